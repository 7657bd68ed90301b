/*
 * plan.h
 *	  Which workers to start next, and which ones to end for them.
 */
#ifndef WFO_WORKER_PLAN_H
#define WFO_WORKER_PLAN_H

#include "postgres.h"

#include "worker/pool/pool.h"
#include "worker/process/process.h"

/* How long the launcher sleeps at most while something waits to be tried again, in ms. */
#define RETRY_EVERY 100

extern int plan_start(int free_slot, WorkerStart *start, TimestampTz *until);
extern void plan_make_room(PoolGroup *group, bool in_database, bool has_worker);
extern void plan_keep_limits(void);

#endif
