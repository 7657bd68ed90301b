/*
 * visit.h
 *	  Which databases a keeper visits, and when.
 *
 * For the launcher, in whose memory the lists of databases are.
 */
#ifndef WFO_WORKER_VISIT_H
#define WFO_WORKER_VISIT_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern void visit_plan_all(void);
extern void visit_plan_retries(void);
extern bool visit_take_requests(void);
extern void visit_start_keeper(void);
extern void visit_reap(void);
extern bool visit_waits(void);
extern TimestampTz visit_next_retry(void);

#endif
