/*
 * batch_call.h
 *	  The calls of batches, as a worker takes and reports them.
 *
 * For worker.c and next.c; the caller's side is client/parallel.h.
 */
#ifndef WFO_WORKER_BATCH_CALL_H
#define WFO_WORKER_BATCH_CALL_H

#include "postgres.h"

#include "engine/run/work.h"
#include "worker/pool/pool.h"

extern bool batch_call_attach(Oid database, Oid role);
extern void batch_call_detach_if_over(void);
extern bool batch_call_take_locked(WorkerSlot *slot, WorkerCall *call);
extern bool batch_call_is_ready_locked(Oid database, Oid role, TimestampTz *next);
extern void batch_call_report(const BatchPlace *place, const WorkReport *report);
extern void batch_call_give_back_locked(const WorkerSlot *slot, bool timed_out);

#endif
