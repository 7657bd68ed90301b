/*
 * batch.h
 *	  The calls of a batch in dynamic shared memory.
 *
 * The types are shared by caller and workers.  Once the batch is published, the
 * memory is protected by the pool's lock.
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

/* A call of a batch, as its caller and the workers share it. */
typedef struct SharedCall
{
	int64 proposal_id;
	int64 execution_id;
	int64 attempts;
	CallHistory history;
	TimestampTz not_before; /* 0: it has not failed yet */
	CallState state;
	BatchFate fate;
	int role; /* index of its role in the batch */
	int next; /* the next waiting call of the role; -1: there is none */
	int busy; /* how often another session had locked its proposal */
	int slot; /* its worker, while it runs */
	uint64 slot_generation;
} SharedCall;

typedef struct SharedBatch
{
	bool has_actor;
	int64 actor_id;
	NameData login;
	int first[POOL_BATCH_ROLES]; /* the first waiting call; -1: there is none */
	int last[POOL_BATCH_ROLES];
	SharedCall calls[FLEXIBLE_ARRAY_MEMBER];
} SharedBatch;

extern int batch_role_index(const BatchSlot *slot, Oid role);
extern void batch_append_waiting(BatchSlot *slot, SharedBatch *shared, int index);
extern void batch_end_call_locked(BatchSlot *slot, SharedCall *call, BatchFate fate);

#endif
