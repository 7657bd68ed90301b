/*
 * visit.h
 *	  When the launcher sends a keeper again where one has failed.
 */
#ifndef WFO_WORKER_VISIT_H
#define WFO_WORKER_VISIT_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern void visit_list_databases(bool all);
extern bool visit_take_requests(void);
extern void visit_start_keeper(void);
extern void visit_reap(void);
extern bool visit_waits(void);
extern TimestampTz visit_next_retry(void);

#endif
