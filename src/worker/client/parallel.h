/*
 * parallel.h
 *	  Runs the calls of a batch in background workers.
 */
#ifndef WFO_WORKER_PARALLEL_H
#define WFO_WORKER_PARALLEL_H

#include "postgres.h"

#include "engine/run/work.h"
#include "engine/verbs/batch.h"
#include "worker/pool/pool.h"

/* The caller's side. */
extern void parallel_run(Batch *batch, int64 timeout);

/* The workers' side. */
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

extern bool parallel_attach(Oid database, Oid role);
extern void parallel_detach_if_over(void);
extern bool parallel_take_locked(Oid role, BatchTask *task);
extern bool parallel_is_ready_locked(Oid database, Oid role, TimestampTz *next);
extern void parallel_note_slot_locked(const BatchTask *task, int slot, uint64 generation);
extern void parallel_report(const BatchTask *task, const WorkReport *report);
extern void parallel_give_back_locked(const Slot *slot, bool timed_out);

#endif
