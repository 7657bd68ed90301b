/*
 * queued.c
 *	  Calls that wait for a background worker.
 *
 * A call is in the queue from enqueue_action until it has ended.  A process that
 * changes or deletes its row there has locked the proposal, and so has the worker
 * that runs the call.
 *
 * This file owns what the calls of users may do with a queued call: whether it can
 * be queued, whether it has started, and its cancel.  Running it is the business of
 * work.c, and the row that of store/queue.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/errors.h"
#include "base/settings.h"
#include "common/hashfn.h"
#include "engine/run/cancel.h"
#include "engine/run/frozen.h"
#include "engine/run/queued.h"
#include "engine/tool/result.h"
#include "store/execution.h"
#include "store/queue.h"

void (*queued_hook)(const QueuedCall *call, Oid role) = NULL;

/* Raise an error if there can be no worker: 55000. */
void
queued_check_workers(void)
{
	if (queued_hook == NULL)
		report_wrong_state("wfo_no_workers", errmsg("background workers are not available"),
						   errdetail("The library workflow_orch is not preloaded."),
						   errhint("Add workflow_orch to shared_preload_libraries and restart the "
								   "server."));
	if (setting_max_workers == 0)
		report_wrong_state("wfo_no_workers", errmsg("background workers are not available"),
						   errdetail("The setting workflow_orch.max_workers is 0."),
						   errhint("Set workflow_orch.max_workers and reload the server "
								   "configuration."));
}

/* What workers are told of a row of the queue. */
QueuedCall
queued_call(const QueueRow *row)
{
	return (QueuedCall){.proposal_id = row->proposal_id,
						.execution_id = row->execution_id,
						.priority = row->priority,
						.due_at = row->due_at,
						.tool = hash_bytes((const unsigned char *) row->tool,
										   (int) strlen(row->tool)),
						.suspect = row->crashes > 0};
}

/* The argument of visit_row. */
typedef struct DueVisit
{
	QueuedVisit visit;
	void *arg;
	TimestampTz frozen_until; /* when the first of the frozen calls can run; 0: never */
} DueVisit;

/* Visit a call, unless its tool is frozen. */
static bool
visit_row(const QueueRow *row, void *arg)
{
	DueVisit *visit = arg;
	TimestampTz frozen_until = freeze_ends(row->tool);
	QueuedCall queued = queued_call(row);

	if (frozen_until == 0)
		return visit->visit(&queued, visit->arg);
	/* If a freeze without an end is removed, the queue is looked through again. */
	if (!TIMESTAMP_IS_NOEND(frozen_until) &&
		(visit->frozen_until == 0 || frozen_until < visit->frozen_until))
		visit->frozen_until = frozen_until;
	return true;
}

/*
 * Visit the calls that are due for a worker of this role, in the order in which they
 * are to run, until the visit returns false: all of them, or those from a call on.
 * Returns when the next of the calls that were read becomes due, or 0.
 */
TimestampTz
queued_visit_due(Oid role, const QueuedCall *from, QueuedVisit visit, void *arg)
{
	DueVisit own = {.visit = visit, .arg = arg};
	QueuePlace place;
	TimestampTz next_due;

	if (from != NULL)
		place = (QueuePlace){.priority = from->priority,
							 .due_at = from->due_at,
							 .execution_id = from->execution_id};
	next_due = queue_visit_due(role, from != NULL ? &place : NULL, GetCurrentTimestamp(), visit_row,
							   &own);

	if (own.frozen_until != 0 && (next_due == 0 || own.frozen_until < next_due))
		next_due = own.frozen_until;
	return next_due;
}

/* Whether the call of a proposal waits for a worker or runs in one. */
bool
queued_exists(int64 proposal_id)
{
	return queue_load(proposal_id) != NULL;
}

/*
 * Whether the start of a proposal's call is kept: a worker runs the call, or its
 * worker has ended and that has not been recorded yet.  A worker that runs any other
 * call has locked the proposal.
 */
bool
queued_has_started(int64 proposal_id)
{
	const QueueRow *queued = queue_load(proposal_id);
	const Execution *execution = queued != NULL ? execution_load(queued->execution_id) : NULL;

	return execution != NULL && execution->status == EXECUTION_RUNNING;
}

/* Raise an error if a worker has started an execution: 55P03, as if the proposal were locked. */
static void
check_not_started(const Execution *execution)
{
	if (execution->status == EXECUTION_RUNNING)
		report_busy("wfo_busy",
					errmsg("proposal " INT64_FORMAT " is being executed by a background worker",
						   execution->proposal_id),
					errdetail("Execution " INT64_FORMAT " has started.", execution->execution_id),
					errhint("Wait for it with wait_execution or cancel it with "
							"cancel_execution."));
}

/*
 * Cancel the queued call of a proposal.  The transaction has locked the proposal;
 * text says who canceled the call and why.  Returns false if no call is queued.
 */
static bool
cancel_queued(const Proposal *proposal, const int64 *by, const char *reason, const char *text)
{
	QueueRow *queued = queue_load(proposal->proposal_id);
	Execution *execution;
	TimestampTz now = GetCurrentTimestamp();
	ErrorData error = {.sqlerrcode = ERRCODE_QUERY_CANCELED,
					   .constraint_name = pstrdup("wfo_cancelled"),
					   .message = pstrdup("canceled before it started"),
					   .detail = text != NULL ? pstrdup(text) : NULL};

	Assert(IsTransactionState());
	if (queued == NULL)
		return false;
	execution = execution_load(queued->execution_id);
	if (execution == NULL)
		elog(ERROR, "execution " INT64_FORMAT " is queued but does not exist",
			 queued->execution_id);
	check_not_started(execution);
	execution->status = EXECUTION_CANCELLED;
	execution->started_at = 0;
	execution->finished_at = now;
	execution->ended_by = by;
	execution->end_reason = reason;
	execution->result = result_build(&(CallResult){.tool = proposal->tool,
												   .params = proposal->params,
												   .dry_run = execution->dry_run,
												   .error = &error,
												   .started_at = now,
												   .finished_at = now});
	execution_update(execution);
	queue_delete(queued);
	return true;
}

/* Cancel a queued call because of what happened to its proposal; by is an actor or NULL. */
bool
queued_cancel(const Proposal *proposal, const int64 *by, const char *reason)
{
	return cancel_queued(proposal, by, reason, reason);
}

/* Cancel a queued call because of a request to cancel it. */
bool
queued_cancel_requested(const Proposal *proposal, const CancelRequest *request)
{
	return cancel_queued(proposal, request->actor_id, request->reason,
						 cancel_request_text(request));
}
