/*
 * visit.h
 *	  When the launcher sends a keeper again where one has failed.
 */
#ifndef WFO_WORKER_VISIT_H
#define WFO_WORKER_VISIT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

extern void visit_failed(Oid database);
extern void visit_succeeded(Oid database);
extern void visit_forget_others(const List *databases);
extern bool visit_is_due(Oid database, bool otherwise);
extern TimestampTz visit_next_retry(void);

#endif
