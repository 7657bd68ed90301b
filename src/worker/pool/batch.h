/*
 * batch.h
 *	  The calls of a batch in dynamic shared memory.
 */
#ifndef WFO_WORKER_BATCH_H
#define WFO_WORKER_BATCH_H

#include "postgres.h"

#include "engine/verbs/batch.h"
#include "worker/pool/pool.h"

typedef enum CallState
{
	CALL_WAITING,
	CALL_RUNNING,
	CALL_ENDED
} CallState;

typedef struct SharedCall
{
	int64 proposal_id;
	int64 execution_id;
	int64 attempts;
	TimestampTz not_before; /* 0: it has not failed yet */
	TimestampTz started_at;
	CallState state;
	BatchFate fate;
	int role;
	int next; /* of the same role that waits; -1: the last */
	int busy; /* how often another session had its proposal */
	int losses;
	bool timed_out;
	int slot; /* while it runs */
	uint64 slot_generation;
} SharedCall;

typedef struct SharedBatch
{
	bool has_actor;
	int64 actor_id;
	NameData login;
	int first[POOL_BATCH_ROLES]; /* -1: none waits */
	int last[POOL_BATCH_ROLES];
	SharedCall calls[FLEXIBLE_ARRAY_MEMBER];
} SharedBatch;

extern int batch_role_index(const BatchSlot *slot, Oid role);
extern void batch_append_waiting(BatchSlot *slot, SharedBatch *shared, int index);
extern void batch_end_call(BatchSlot *slot, SharedCall *call, BatchFate fate);

#endif
