/*
 * batch.h
 *	  The calls of one execute_parallel.
 */
#ifndef WFO_ENGINE_BATCH_H
#define WFO_ENGINE_BATCH_H

#include "postgres.h"

#include "engine/identity/caller.h"
#include "utils/jsonb.h"

/* What has become of a call. */
typedef enum BatchFate
{
	FATE_NONE,        /* it has not ended */
	FATE_DONE,        /* its execution has the result */
	FATE_NOT_STARTED, /* the time of the batch was over before */
	FATE_DEADLOCK,    /* no worker could get to it before the batch ends */
	FATE_NO_WORKER,   /* no worker could be started for it */
	FATE_GONE         /* its proposal was executed or changed by another session */
} BatchFate;

typedef struct BatchCall
{
	int64 proposal_id;
	int64 workflow_id;
	Oid role; /* whose workers run it; InvalidOid: it has run, dry */
	BatchFate fate;
	int64 execution_id; /* 0: none */
	bool succeeded;
	Jsonb *result; /* of a dry run */
} BatchCall;

typedef struct Batch
{
	Caller caller;
	const Actor *actor; /* NULL: nobody in particular */
	int ncalls;
	BatchCall *calls;
	int nlive; /* how many need a worker */
} Batch;

extern void batch_prepare(Batch *batch, Jsonb *calls, const int64 *actor_id);
extern void batch_run_dry(Batch *batch);
extern Jsonb *batch_results(Batch *batch);

#endif
