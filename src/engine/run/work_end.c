/*
 * work_end.c
 *	  Writes what became of a call that a worker has.
 *
 * The caller (work.c) has locked the call's proposal and read its rows.  This file
 * owns which status, result and event follow from how a call ended, and whether
 * it is tried again; it calls no tool and takes no lock.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/settings.h"
#include "common/pg_prng.h"
#include "engine/run/cancel.h"
#include "engine/run/start.h"
#include "engine/run/work_end.h"
#include "engine/sandbox/deadline.h"
#include "engine/state.h"
#include "model/retry.h"

void
work_put_off(Work *work, TimestampTz until)
{
	work->report->end = WORK_LATER;
	work->report->later = until;
}

bool
work_error_passes(const ErrorData *error)
{
	return retry_list_has(setting_retry_sqlstates, unpack_sql_state(error->sqlerrcode));
}

/*
 * When a call that has failed with an error is to be tried again: 0 for never,
 * be it for the error, for its number of attempts or for its approval, which
 * would have expired.  passing is whether the error is one that passes, where
 * its SQLSTATE does not say so.
 */
TimestampTz
work_retry_time(const Work *work, const ErrorData *error, bool passing)
{
	const Tool *tool = tool_load(work->proposal->tool);
	TimestampTz at;

	if (work->execution.status == EXECUTION_RUNNING || tool == NULL ||
		work->execution.attempt >= tool->max_attempts || (!passing && !work_error_passes(error)))
		return 0;
	at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									 retry_delay(work->execution.attempt, setting_retry_delay,
												 setting_retry_max_delay,
												 pg_prng_double(&pg_global_prng_state)));
	if (work->proposal->expires_at != 0 && at >= work->proposal->expires_at)
		return 0;
	return at;
}

/* Write the execution, and take a queued call out of the queue if it has ended. */
void
work_write_execution(Work *work)
{
	if (work->queued == NULL)
	{
		if (work->execution.execution_id == 0)
			work->execution.execution_id = store_next_id(STORE_EXECUTION);
		execution_insert(&work->execution);
	}
	else
	{
		execution_update(&work->execution);
		if (work->execution.status != EXECUTION_QUEUED)
			queue_delete(work->queued);
	}
	work->report->execution_id = work->execution.execution_id;
	work->report->end = WORK_DONE;
}

/* Put the call back, to be tried again; a batch keeps count of its own. */
void
work_write_retry(Work *work, const CallResult *result, TimestampTz at)
{
	ereport(LOG,
			(errhidestmt(true), errhidecontext(true),
			 errmsg("execution " INT64_FORMAT " of proposal " INT64_FORMAT
					" failed in attempt " INT64_FORMAT " and is tried again",
					work->execution.execution_id, work->proposal->proposal_id,
					work->execution.attempt),
			 errdetail_log("The SQLSTATE is %s.", unpack_sql_state(result->error->sqlerrcode))));
	if (work->queued != NULL)
	{
		work->execution.status = EXECUTION_QUEUED;
		work->execution.result = result_build(result);
		work->queued->attempts = work->execution.attempt;
		work->queued->due_at = at;
		queue_update(work->queued);
		work_write_execution(work);
	}
	work_put_off(work, at);
	work->report->attempted = true;
}

/* Write the execution with its status and result. */
static void
write_result(Work *work, const CallResult *result, ExecutionStatus status)
{
	Execution *execution = &work->execution;

	execution->started_at = result->started_at;
	execution->finished_at = result->finished_at;
	execution->status = status;
	execution->dry_run = result->dry_run;
	execution->result = result_build(result);
	work_write_execution(work);
}

/* Write that a call was cancelled after its start, as the result's error says; the proposal stays. */
void
work_write_cancelled(Work *work, CallResult *result, ErrorData *error)
{
	result->error = error;
	result->output = NULL;
	write_result(work, result, EXECUTION_CANCELLED);
}

/*
 * The error that says that somebody asked for the end of the call, NULL where
 * nobody did; notes who.  ran is whether the tool was called.
 */
ErrorData *
work_cancel_requested(Work *work, bool ran)
{
	const CancelRequest *request = NULL;
	ErrorData *error = &work->cancelled;

	if (work->queued != NULL)
		request = cancel_request_first(work->execution.execution_id);
	if (request == NULL)
		return NULL;
	work->execution.ended_by = request->actor_id;
	work->execution.end_reason = request->reason;
	memset(error, 0, sizeof(ErrorData));
	error->sqlerrcode = ERRCODE_QUERY_CANCELED;
	error->constraint_name = pstrdup("wfo_cancelled");
	error->message = pstrdup(ran ? "cancelled while it ran" : "cancelled before it started");
	error->detail = cancel_request_text(request);
	return error;
}

/*
 * Write what came of a call that was started.  The proposal follows, unless it
 * was a dry run.  A call that was cancelled is not tried again.
 */
void
work_write_end(Work *work, CallResult *result)
{
	TimestampTz again = result->error != NULL ? work_retry_time(work, result->error, false) : 0;
	ErrorData *cancelled = again != 0 ? work_cancel_requested(work, true) : NULL;

	if (cancelled != NULL)
	{
		work_write_cancelled(work, result, cancelled);
		return;
	}
	if (again != 0)
	{
		work->execution.started_at = result->started_at;
		work->execution.finished_at = result->finished_at;
		work_write_retry(work, result, again);
		return;
	}
	write_result(work, result, result->error != NULL ? EXECUTION_FAILED : EXECUTION_SUCCEEDED);
	if (!result->dry_run)
		proposal_change(work->proposal, NULL, result->error == NULL ? EVENT_EXECUTE : EVENT_FAIL,
						result->error == NULL ? PROPOSAL_EXECUTED : PROPOSAL_FAILED,
						work->execution.actor_id, NULL);
}

/* Count an attempt, unless that was done when its start was kept. */
void
work_count_attempt(Work *work)
{
	if (work->execution.status != EXECUTION_RUNNING)
		work->execution.attempt++;
}

/* Write the failure of a call that ran, but not to its end. */
static void
write_lost(Work *work, const char *reason, int sqlerrcode, const char *message, const char *detail)
{
	TimestampTz now = GetCurrentTimestamp();
	ErrorData error = {.sqlerrcode = sqlerrcode,
					   .constraint_name = pstrdup(reason),
					   .message = pstrdup(message),
					   .detail = pstrdup(detail)};
	CallResult result = {.tool = work->proposal->tool,
						 .params = work->proposal->params,
						 .error = &error,
						 .started_at = work->item->started_at != 0 ? work->item->started_at : now,
						 .finished_at = now};

	work_count_attempt(work);
	work_write_end(work, &result);
}

/*
 * Record that a call whose start was kept has no end, and may have happened:
 * false where it is not such a call, or this worker is the one to run it.
 */
bool
work_write_if_without_end(Work *work)
{
	const WorkItem *item = work->item;
	const CancelRequest *request;
	const char *cause = NULL;
	CallResult result = {.tool = work->proposal->tool,
						 .params = work->proposal->params,
						 .dry_run = work->execution.dry_run,
						 .may_have_happened = true,
						 .started_at = work->execution.started_at,
						 .finished_at = GetCurrentTimestamp()};

	if (work->execution.status != EXECUTION_RUNNING || item->start_kept)
		return false;
	if (!start_has_no_end(&work->execution))
	{
		work_put_off(work, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUSY_DELAY));
		return true;
	}
	request = cancel_request_first(work->execution.execution_id);
	if (request != NULL)
		cause = cancel_request_text(request);
	else if (item->timed_out)
		cause = "It went on after its timeout, and its worker was ended.";
	result.error = start_lost_error(&work->execution, cause);
	work_write_end(work, &result);
	return true;
}

/* Record what no worker lived to record; false where there is nothing of it. */
bool
work_write_verdict(Work *work)
{
	const WorkItem *item = work->item;

	if (item->timed_out)
		write_lost(work, "wfo_timed_out", ERRCODE_QUERY_CANCELED, "timed out",
				   "It went on after its timeout, and its worker was ended.");
	else if (work->queued != NULL && work->queued->crashes >= setting_max_crashes)
		write_lost(work, "wfo_crashed", ERRCODE_CRASH_SHUTDOWN,
				   psprintf("the server has crashed " INT64_FORMAT " times while the call ran",
							work->queued->crashes),
				   "The limit is the setting workflow_orch.max_crashes.");
	else if (item->losses >= setting_max_crashes)
		write_lost(work, "wfo_worker_ended", ERRCODE_ADMIN_SHUTDOWN,
				   psprintf("the worker was terminated %d times while the call ran", item->losses),
				   psprintf("%s The limit is the setting workflow_orch.max_crashes.",
							item->lost_to != NULL ? item->lost_to : "The server's log says why."));
	else
		return false;
	return true;
}

/*
 * End a call whose cancel was asked for while no worker had it, or by a worker
 * that has ended since: false where there is none.
 */
bool
work_write_requested_cancel(Work *work)
{
	const WorkItem *item = work->item;
	TimestampTz now = GetCurrentTimestamp();
	bool ran = item->losses > 0 || item->timed_out ||
			   (work->queued != NULL && work->queued->crashes > 0);
	ErrorData *cancelled = work_cancel_requested(work, ran);
	CallResult result = {.tool = work->proposal->tool,
						 .params = work->proposal->params,
						 .dry_run = work->execution.dry_run,
						 .started_at = ran && item->started_at != 0 ? item->started_at : now,
						 .finished_at = now};

	if (cancelled == NULL)
		return false;
	if (ran)
		work_count_attempt(work);
	work_write_cancelled(work, &result, cancelled);
	return true;
}

/*
 * What a call that ended with an error was cancelled with, NULL where it was
 * not: by cancel_execution, or by the end of its batch.  A deadlock is told as
 * what it is instead, and is the call's failure; so is a cancel that nobody of
 * ours has sent.
 */
ErrorData *
work_was_cancelled(Work *work, const WorkHooks *hooks, ErrorData *error)
{
	WorkCancel cancel = {0};
	ErrorData *requested;

	if (error == NULL || (error->sqlerrcode != ERRCODE_QUERY_CANCELED && !deadline_saw_cancel()))
		return NULL;
	requested = work_cancel_requested(work, true);
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
	work->execution.end_reason = cancel.reason;
	return error;
}
