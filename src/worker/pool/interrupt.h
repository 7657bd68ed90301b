/*
 * interrupt.h
 *	  Cancels what workers run.
 */
#ifndef WFO_WORKER_INTERRUPT_H
#define WFO_WORKER_INTERRUPT_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern bool pool_has_taken(const PoolGroup *group, int64 execution_id);
extern bool pool_has_execution(int64 execution_id);
extern void pool_interrupt_locked(Slot *slot);
extern void pool_cancel(Oid database, int64 execution_id);
extern void pool_cancel_deadlock(int slot, const Slot *seen);

#endif
