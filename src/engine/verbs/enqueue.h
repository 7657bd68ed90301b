/*
 * enqueue.h
 *	  Hands an approved call to the background workers.
 */
#ifndef WFO_ENGINE_ENQUEUE_H
#define WFO_ENGINE_ENQUEUE_H

#include "postgres.h"

#include "store/proposal.h"
#include "utils/timestamp.h"

typedef struct EnqueueRequest
{
	int64 proposal_id;
	int64 *actor_id;
	TimestampTz run_at; /* 0: at once */
	int64 priority;
} EnqueueRequest;

extern int64 enqueue(const EnqueueRequest *request);
extern void enqueue_when_approved(Proposal *proposal);

#endif
