/*
 * next.h
 *	  What a worker does next.
 */
#ifndef WFO_WORKER_NEXT_H
#define WFO_WORKER_NEXT_H

#include "postgres.h"

#include "worker/process/batch_call.h"

/* What a worker finds to do. */
typedef enum Next
{
	NEXT_TASK,
	NEXT_BATCH_CALL,
	NEXT_ATTACH, /* to a batch that has calls */
	NEXT_FILL,   /* look through the queue */
	NEXT_SLEEP,
	NEXT_END
} Next;

extern Next next_choose(Slot *slot, TimestampTz turn_began, BatchTask *batch_task,
						TimestampTz *wake_at);

#endif
