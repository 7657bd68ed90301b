/*
 * queued.h
 *	  Calls that wait for a background worker.
 */
#ifndef WFO_ENGINE_QUEUED_H
#define WFO_ENGINE_QUEUED_H

#include "postgres.h"

#include "store/cancel_request.h"
#include "store/proposal.h"
#include "utils/timestamp.h"

/* A queued call, as much of it as it takes to hand it to a worker. */
typedef struct QueuedCall
{
	int64 proposal_id;
	int64 execution_id;
	int64 priority;
	TimestampTz due_at;
	bool suspect; /* the server has crashed while it ran */
} QueuedCall;

typedef bool (*QueuedVisit)(const QueuedCall *call, void *arg);

/* Told of each call that is queued, in its transaction; NULL without workers. */
extern void (*queued_hook)(const QueuedCall *call, Oid role);

extern void queued_check_workers(void);
extern TimestampTz queued_visit_due(Oid role, QueuedVisit visit, void *arg);
extern bool queued_exists(int64 proposal_id);
extern bool queued_has_started(int64 proposal_id);
extern bool queued_cancel(const Proposal *proposal, const int64 *by, const char *reason);
extern bool queued_cancel_requested(const Proposal *proposal, const CancelRequest *request);

#endif
