/*
 * interrupt.h
 *	  Cancels what workers run.
 *
 * Other files must not send SIGINT to a worker: the signal could reach its next call.
 */
#ifndef WFO_WORKER_INTERRUPT_H
#define WFO_WORKER_INTERRUPT_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern WorkerSlot *pool_find_taken_locked(Oid database, int64 execution_id);
extern bool pool_has_taken_locked(const PoolGroup *group, int64 execution_id);
extern bool pool_has_execution(int64 execution_id);
extern void pool_interrupt_locked(WorkerSlot *slot);
extern void pool_cancel(Oid database, int64 execution_id);
extern void pool_cancel_deadlock(int slot, const WorkerSlot *seen);

#endif
