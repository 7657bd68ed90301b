/*
 * queued.h
 *	  Calls that wait for a background worker.
 *
 * A row of the queue is changed only by a transaction that has locked its proposal.
 */
#ifndef WFO_ENGINE_QUEUED_H
#define WFO_ENGINE_QUEUED_H

#include "postgres.h"

#include "store/cancel_request.h"
#include "store/proposal.h"
#include "store/queue.h"
#include "utils/timestamp.h"

/* What of a queued call is handed to a worker. */
typedef struct QueuedCall
{
	int64 proposal_id;
	int64 execution_id;
	int64 priority;
	TimestampTz due_at;
	uint32 tool;  /* hash of the tool's name */
	bool suspect; /* the server has crashed while it ran */
} QueuedCall;

/* What happened to a call before, and stands in no row. */
typedef struct CallHistory
{
	int losses;             /* how many workers ended while they ran it */
	bool timed_out;         /* the last of them ended because of the timeout */
	bool alone;             /* it was part of a transaction of several calls that has failed */
	TimestampTz started_at; /* its last start; 0: it was not started */
} CallHistory;

typedef bool (*QueuedVisit)(const QueuedCall *call, void *arg);

/* Called for each call that is queued, in its transaction; NULL if there are no workers. */
extern void (*queued_hook)(const QueuedCall *call, Oid role);

extern QueuedCall queued_call(const QueueRow *row);
extern void queued_check_workers(void);
extern TimestampTz queued_visit_due(Oid role, const QueuedCall *from, QueuedVisit visit, void *arg);
extern bool queued_exists(int64 proposal_id);
extern bool queued_has_started(int64 proposal_id);
extern bool queued_cancel(const Proposal *proposal, const int64 *by, const char *reason);
extern bool queued_cancel_requested(const Proposal *proposal, const CancelRequest *request);

#endif
