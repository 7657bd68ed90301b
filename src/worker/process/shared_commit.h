/*
 * shared_commit.h
 *	  Calls that share the transaction of a worker.
 */
#ifndef WFO_WORKER_SHARED_COMMIT_H
#define WFO_WORKER_SHARED_COMMIT_H

#include "postgres.h"

#include "engine/run/work.h"
#include "worker/pool/pool.h"

extern TimestampTz shared_commit_run(WorkerSlot *slot, int64 group_size, const WorkHooks *hooks);
extern void shared_commit_give_back_locked(WorkerSlot *slot, PoolGroup *group);
extern int shared_commit_end(WorkerSlot *slot);

#endif
