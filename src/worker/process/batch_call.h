/*
 * batch_call.h
 *	  The calls of batches, as a worker takes and reports them.
 */
#ifndef WFO_WORKER_BATCH_CALL_H
#define WFO_WORKER_BATCH_CALL_H

#include "postgres.h"

#include "engine/run/work.h"
#include "worker/pool/pool.h"

typedef struct BatchTask
{
	int batch;
	uint64 generation;
	int call;
	int64 proposal_id;
	int64 execution_id; /* under which a worker before may have ended it */
	int64 attempts;
	int losses;
	bool timed_out;
	TimestampTz started_at;
	const int64 *actor_id;
	const char *login;
} BatchTask;

extern bool batch_call_attach(Oid database, Oid role);
extern void batch_call_detach_if_over(void);
extern bool batch_call_take_locked(Oid role, BatchTask *task);
extern bool batch_call_is_ready_locked(Oid database, Oid role, TimestampTz *next);
extern void batch_call_note_slot_locked(const BatchTask *task, int slot, uint64 generation);
extern void batch_call_report(const BatchTask *task, const WorkReport *report);
extern void batch_call_give_back_locked(const Slot *slot, bool timed_out);

#endif
