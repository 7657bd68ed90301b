/*
 * work_end.c
 *	  Writes what became of a call that a worker has.
 *
 * The caller (work.c) has locked the call's proposal and read its rows.  This file
 * owns which status, result and event follow from how a call ended, and whether it
 * is tried again.  It calls no tool, locks no row, and leaves the commit to the
 * worker.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/errors.h"
#include "base/settings.h"
#include "common/pg_prng.h"
#include "engine/run/cancel.h"
#include "engine/run/start.h"
#include "engine/run/work_end.h"
#include "engine/sandbox/deadline.h"
#include "engine/state.h"
#include "model/retry.h"

/* Report that the call is to be tried again at a time.  Writes nothing. */
void
work_put_off(LockedCall *locked, TimestampTz until)
{
	locked->report->end = WORK_LATER;
	locked->report->later = until;
}

/* Whether the cause of an error passes, by workflow_orch.retry_sqlstates. */
bool
work_error_passes(const ErrorData *error)
{
	return retry_list_has(setting_retry_sqlstates, unpack_sql_state(error->sqlerrcode));
}

/*
 * When a call whose attempt has failed is to be tried again.  Returns 0 if it has
 * had all its attempts, if its approval would have expired by then, or if it must
 * not run twice.
 */
TimestampTz
work_next_attempt_time(const LockedCall *locked)
{
	const Tool *tool = tool_load(locked->proposal->tool);
	TimestampTz at;

	if (locked->execution.status == EXECUTION_RUNNING || tool == NULL ||
		locked->execution.attempt >= tool->max_attempts)
		return 0;
	at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									 retry_delay(locked->execution.attempt, setting_retry_delay,
												 setting_retry_max_delay,
												 pg_prng_double(&pg_global_prng_state)));
	if (locked->proposal->expires_at != 0 && at >= locked->proposal->expires_at)
		return 0;
	return at;
}

/* Write the execution, and take a queued call out of the queue if it has ended. */
void
work_write_execution(LockedCall *locked)
{
	Assert(IsTransactionState());
	Assert(locked->proposal != NULL);
	if (locked->queued == NULL)
	{
		if (locked->execution.execution_id == 0)
			locked->execution.execution_id = store_next_id(STORE_EXECUTION);
		execution_insert(&locked->execution);
	}
	else
	{
		execution_update(&locked->execution);
		if (locked->execution.status != EXECUTION_QUEUED)
			queue_delete(locked->queued);
	}
	locked->report->execution_id = locked->execution.execution_id;
	locked->report->end = WORK_DONE;
}

/* Have the call tried again at a time.  A batch counts the attempts of its calls itself. */
void
work_write_retry(LockedCall *locked, const CallResult *result, TimestampTz at)
{
	ereport(LOG,
			(errhidestmt(true), errhidecontext(true),
			 errmsg("execution " INT64_FORMAT " of proposal " INT64_FORMAT
					" failed in attempt " INT64_FORMAT " and will be tried again",
					locked->execution.execution_id, locked->proposal->proposal_id,
					locked->execution.attempt),
			 errdetail_log("The SQLSTATE is %s.", unpack_sql_state(result->error->sqlerrcode))));
	if (locked->queued != NULL)
	{
		locked->execution.status = EXECUTION_QUEUED;
		locked->execution.result = result_build(result);
		locked->queued->attempts = locked->execution.attempt;
		locked->queued->due_at = at;
		queue_update(locked->queued);
		work_write_execution(locked);
	}
	work_put_off(locked, at);
	locked->report->attempted = true;
}

/* Write the execution with its status and result. */
static void
write_result(LockedCall *locked, const CallResult *result, ExecutionStatus status)
{
	Execution *execution = &locked->execution;

	execution->started_at = result->started_at;
	execution->finished_at = result->finished_at;
	execution->status = status;
	execution->dry_run = result->dry_run;
	execution->result = result_build(result);
	work_write_execution(locked);
}

/* Write that a call was canceled, with an error for its result.  The proposal stays approved. */
void
work_write_cancelled(LockedCall *locked, CallResult *result, ErrorData *error)
{
	result->error = error;
	result->output = NULL;
	write_result(locked, result, EXECUTION_CANCELLED);
}

/*
 * If the call was canceled with cancel_execution, note by whom in the execution and
 * return an error that says so; else return NULL.
 */
ErrorData *
work_cancel_requested(LockedCall *locked, CancelMoment moment)
{
	const CancelRequest *request = NULL;
	ErrorData *error = &locked->cancelled;

	if (locked->queued != NULL)
		request = cancel_request_first(locked->execution.execution_id);
	if (request == NULL)
		return NULL;
	locked->execution.ended_by = request->actor_id;
	locked->execution.end_reason = request->reason;
	memset(error, 0, sizeof(ErrorData));
	error->sqlerrcode = ERRCODE_QUERY_CANCELED;
	error->constraint_name = pstrdup("wfo_cancelled");
	error->message = pstrdup(moment == CANCEL_WHILE_RUNNING ? "canceled while it ran"
															: "canceled before it started");
	error->detail = cancel_request_text(request);
	return error;
}

/*
 * Write what became of a call that was started.  The status of the proposal
 * follows, unless it was a dry run.  A call that was canceled is not tried again.
 */
void
work_write_end(LockedCall *locked, CallResult *result)
{
	TimestampTz again = result->error != NULL && work_error_passes(result->error)
							? work_next_attempt_time(locked)
							: 0;
	ErrorData *cancelled = again != 0 ? work_cancel_requested(locked, CANCEL_WHILE_RUNNING) : NULL;

	if (cancelled != NULL)
	{
		work_write_cancelled(locked, result, cancelled);
		return;
	}
	if (again != 0)
	{
		locked->execution.started_at = result->started_at;
		locked->execution.finished_at = result->finished_at;
		work_write_retry(locked, result, again);
		return;
	}
	write_result(locked, result, result->error != NULL ? EXECUTION_FAILED : EXECUTION_SUCCEEDED);
	if (!result->dry_run)
		proposal_change(locked->proposal, NULL, result->error == NULL ? EVENT_EXECUTE : EVENT_FAIL,
						result->error == NULL ? PROPOSAL_EXECUTED : PROPOSAL_FAILED,
						locked->execution.actor_id, NULL);
}

/* Count an attempt, unless it was counted when its start was kept. */
void
work_count_attempt(LockedCall *locked)
{
	if (locked->execution.status != EXECUTION_RUNNING)
		locked->execution.attempt++;
}

/* Write the failure of a call that ran but did not return. */
static void
write_lost(LockedCall *locked, const char *reason, int sqlerrcode, const char *message,
		   const char *detail)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz started_at = locked->call->history.started_at;
	ErrorData error = {.sqlerrcode = sqlerrcode,
					   .constraint_name = pstrdup(reason),
					   .message = pstrdup(message),
					   .detail = pstrdup(detail)};
	CallResult result = {.tool = locked->proposal->tool,
						 .params = locked->proposal->params,
						 .error = &error,
						 .started_at = started_at != 0 ? started_at : now,
						 .finished_at = now};

	work_count_attempt(locked);
	work_write_end(locked, &result);
}

/*
 * If the start of a call was kept and its worker has ended, record that the call may
 * have happened.  Returns false if it is not such a call, or if this worker is the
 * one that runs it.
 */
bool
work_write_if_without_end(LockedCall *locked)
{
	const WorkerCall *call = locked->call;
	const CancelRequest *request;
	const char *cause = NULL;
	CallResult result = {.tool = locked->proposal->tool,
						 .params = locked->proposal->params,
						 .dry_run = locked->execution.dry_run,
						 .may_have_happened = true,
						 .started_at = locked->execution.started_at,
						 .finished_at = GetCurrentTimestamp()};

	if (locked->execution.status != EXECUTION_RUNNING || call->start_kept)
		return false;
	if (!start_has_no_end(&locked->execution))
	{
		work_put_off(locked, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WORK_BUSY_DELAY));
		return true;
	}
	request = cancel_request_first(locked->execution.execution_id);
	if (request != NULL)
		cause = cancel_request_text(request);
	else if (call->history.timed_out)
		cause = "It went on after its timeout, and its worker was ended.";
	result.error = start_lost_error(&locked->execution, cause);
	work_write_end(locked, &result);
	return true;
}

/*
 * Record the failure of a call that has timed out, or that has ended its workers or
 * the server too often, with its worker: false if it is not such a call.
 */
bool
work_write_verdict(LockedCall *locked)
{
	const WorkerCall *call = locked->call;

	Assert(locked->execution.status != EXECUTION_RUNNING);
	if (call->history.timed_out)
		write_lost(locked, "wfo_timed_out", ERRCODE_QUERY_CANCELED, "timed out",
				   "It went on after its timeout, and its worker was ended.");
	else if (locked->queued != NULL && locked->queued->crashes >= setting_max_crashes)
		write_lost(locked, "wfo_crashed", ERRCODE_CRASH_SHUTDOWN,
				   psprintf("the server has crashed " INT64_FORMAT " times while the call ran",
							locked->queued->crashes),
				   "The limit is the setting workflow_orch.max_crashes.");
	else if (call->history.losses >= setting_max_crashes)
		write_lost(locked, "wfo_worker_ended", ERRCODE_ADMIN_SHUTDOWN,
				   psprintf("the worker was terminated %d times while the call ran",
							call->history.losses),
				   psprintf("%s The limit is the setting workflow_orch.max_crashes.",
							call->lost_to != NULL ? call->lost_to : "The server log says why."));
	else
		return false;
	return true;
}

/*
 * End a call that was canceled while no worker had it, or while a worker had it that
 * has ended since: false if it was not canceled.
 */
bool
work_write_requested_cancel(LockedCall *locked)
{
	const WorkerCall *call = locked->call;
	TimestampTz now = GetCurrentTimestamp();
	bool ran = call->history.losses > 0 || call->history.timed_out ||
			   (locked->queued != NULL && locked->queued->crashes > 0);
	ErrorData *cancelled = work_cancel_requested(locked,
												 ran ? CANCEL_WHILE_RUNNING : CANCEL_BEFORE_START);
	CallResult result = {.tool = locked->proposal->tool,
						 .params = locked->proposal->params,
						 .dry_run = locked->execution.dry_run,
						 .started_at = ran && call->history.started_at != 0
										   ? call->history.started_at
										   : now,
						 .finished_at = now};

	if (cancelled == NULL)
		return false;
	if (ran)
		work_count_attempt(locked);
	work_write_cancelled(locked, &result, cancelled);
	return true;
}

/*
 * The error for the result of a call that was canceled by cancel_execution or by the
 * end of its batch, which ended with the given error; NULL if it was not canceled so.
 * A cancel because of a deadlock makes the given error say so, and is a failure of
 * the call, as is a cancel that does not come from the extension.
 */
ErrorData *
work_was_cancelled(LockedCall *locked, const WorkHooks *hooks, ErrorData *error)
{
	WorkCancel cancel = {0};
	ErrorData *requested;

	if (error == NULL || (error->sqlerrcode != ERRCODE_QUERY_CANCELED && !deadline_saw_cancel()))
		return NULL;
	requested = work_cancel_requested(locked, CANCEL_WHILE_RUNNING);
	if (requested != NULL || error->sqlerrcode != ERRCODE_QUERY_CANCELED || hooks == NULL ||
		!hooks->cancelled(&cancel))
		return requested;
	if (cancel.deadlock)
	{
		error->sqlerrcode = ERRCODE_T_R_DEADLOCK_DETECTED;
		error->constraint_name = pstrdup("wfo_deadlock");
		error->message = pstrdup("deadlock detected");
		error->detail = pstrdup("The call waited for a lock of a transaction that waits for it.");
		error->hint = pstrdup("Commit before you wait for a call that needs the same rows.");
		return NULL;
	}
	error->constraint_name = pstrdup("wfo_cancelled");
	error->detail = cancel.reason != NULL ? pstrdup(cancel.reason) : NULL;
	locked->execution.end_reason = cancel.reason;
	return error;
}
