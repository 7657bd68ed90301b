/*
 * cancel.c
 *	  Cancels an execution that has not ended.
 *
 * A waiting execution is canceled here.  An execution that a worker has taken
 * is ended by the worker: a row of cancel_request says who asked for it, and
 * counts from the commit on.  The worker reads it before it starts the call,
 * before it tries the call again and when a cancel reaches it (work.c), so that
 * the call does not run again, whatever becomes of the worker.  Telling the
 * worker is not this file's business.
 */
#include "postgres.h"

#include "base/args.h"
#include "base/errors.h"
#include "engine/identity/caller.h"
#include "engine/run/cancel.h"
#include "engine/run/queued.h"
#include "store/execution.h"
#include "store/queue.h"

/* Number of tries to find who has locked the proposal of a call, which may change in between. */
#define LOOKS 3

/* A sentence that says who canceled a call and why. */
char *
cancel_request_text(const CancelRequest *request)
{
	const char *reason = request->reason;

	if (reason != NULL && text_is_blank(reason))
		reason = NULL;
	if (request->actor_id == NULL)
		return reason == NULL ? psprintf("Login \"%s\" canceled it.", request->login)
							  : psprintf("Login \"%s\" canceled it: %s", request->login, reason);
	if (reason == NULL)
		return psprintf("Actor " INT64_FORMAT ", through login \"%s\", canceled it.",
						*request->actor_id, request->login);
	return psprintf("Actor " INT64_FORMAT ", through login \"%s\", canceled it: %s",
					*request->actor_id, request->login, reason);
}

/* Whether somebody has asked to cancel a call that a worker ran. */
bool
cancel_is_requested(int64 execution_id)
{
	return cancel_request_first(execution_id) != NULL;
}

/* The execution: 42704 if it does not exist, 55000 if it has ended. */
static Execution *
require_unended(int64 execution_id)
{
	Execution *execution = execution_load(execution_id);

	if (execution == NULL)
		report_unknown("wfo_unknown_execution",
					   errmsg("execution " INT64_FORMAT " does not exist", execution_id),
					   errhint("The table workflow_orch.execution lists the executions. A call of "
							   "a batch or in a session is not listed before it ends; cancel the "
							   "statement that runs it."));
	if (status_is_final(OBJECT_EXECUTION, execution->status))
		report_wrong_state("wfo_execution_ended",
						   errmsg("execution " INT64_FORMAT " has ended", execution_id),
						   errdetail("Its status is %s.",
									 enum_label(&execution_status_type, execution->status)),
						   errhint("Only a queued or running execution can be canceled."));
	return execution;
}

/*
 * Cancel an execution that has not ended, for an actor or, where actor_id is
 * NULL, for no actor.
 *
 * Locks the proposal without waiting.  If a worker has locked it, writes a
 * cancel request instead, unless there is one already. 55P03 if another session
 * has locked it.
 */
CancelOutcome
execution_cancel(int64 execution_id, const int64 *actor_id, const char *reason,
				 CancelIsTaken is_taken)
{
	Caller caller;
	const Actor *actor;
	CancelRequest request = {.execution_id = execution_id, .reason = reason};

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	if (actor != NULL)
		caller_check_acts_as(&caller, actor);
	request.actor_id = actor != NULL ? &actor->actor_id : NULL;
	request.login = caller.login_name;

	for (int i = 0; i < LOOKS; i++)
	{
		const Execution *execution = require_unended(execution_id);
		Proposal *proposal;

		request.proposal_id = execution->proposal_id;
		request.proposed_by = execution->proposed_by;
		request.workflow_id = execution->workflow_id;
		if (proposal_lock(execution->proposal_id, LockWaitSkip, &proposal) == STORE_LOCKED)
		{
			execution = require_unended(execution_id);
			if (execution->status != EXECUTION_RUNNING)
			{
				queued_cancel_requested(proposal, &request);
				return CANCEL_DONE;
			}
		}
		if (execution->status == EXECUTION_RUNNING || is_taken(execution_id))
		{
			if (cancel_request_first(execution_id) == NULL)
				cancel_request_insert(&request);
			return CANCEL_REQUESTED;
		}
	}
	report_busy("wfo_busy",
				errmsg("execution " INT64_FORMAT " is being changed by another session",
					   execution_id),
				errhint("Try again when the other session is done."));
}
