/*
 * next.h
 *	  What a worker does next.
 *
 * Chooses and takes the call; worker.c runs it.
 */
#ifndef WFO_WORKER_NEXT_H
#define WFO_WORKER_NEXT_H

#include "postgres.h"

#include "worker/process/batch_call.h"

/* What a worker finds to do. */
typedef enum Next
{
	NEXT_CALL,    /* run the call that was taken */
	NEXT_ATTACH,  /* attach to a batch that has calls */
	NEXT_REFILL,  /* look through the queue */
	NEXT_WARM_UP, /* warm up for a call whose transaction is about to commit */
	NEXT_SLEEP,
	NEXT_END
} Next;

extern Next next_choose(WorkerSlot *slot, TimestampTz turn_ends, WorkerCall *call,
						TimestampTz *wake_at);
extern bool next_is_sociable(const PoolCall *call);
extern Next next_choose_shared(WorkerSlot *slot, WorkerCall *call);

#endif
