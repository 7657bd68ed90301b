/*
 * work.c
 *	  What a background worker does with a call, in its own transaction.
 *
 * work_run locks the proposal, checks everything afresh, runs the tool in a
 * subtransaction and writes result, status and audit row; the worker commits.
 * A crash before the commit leaves the call as it was, so it runs again; after
 * it the call is gone from the queue.  An error outside the tool, a refusal
 * first of all, undoes the transaction; work_fail then records it in another.
 *
 * A refused call has not run: its execution has failed, its proposal stays
 * approved.
 *
 * A call whose tool must not run twice takes two transactions: the first ends
 * with its start (start.c), and what has a start but no worker is never run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "base/each.h"
#include "base/errors.h"
#include "base/settings.h"
#include "common/pg_prng.h"
#include "engine/audit/record.h"
#include "engine/identity/caller.h"
#include "engine/run/approved.h"
#include "engine/run/cancel.h"
#include "engine/run/frozen.h"
#include "engine/run/start.h"
#include "engine/run/work.h"
#include "engine/sandbox/deadline.h"
#include "engine/state.h"
#include "engine/tool/run_as.h"
#include "miscadmin.h"
#include "model/retry.h"
#include "storage/lmgr.h"
#include "store/execution.h"
#include "store/policy.h"
#include "store/queue.h"
#include "utils/guc.h"
#include "utils/inval.h"

/* When to look again at a call whose proposal another session has locked, in ms. */
#define BUSY_DELAY 50

/* A call that is under way. */
typedef struct Work
{
	WorkItem *item;
	WorkReport *report;
	Proposal *proposal;
	QueueRow *queued; /* NULL: of a batch */
	Execution execution;
	ErrorData cancelled; /* what the result of a cancelled call says */
} Work;

/* Whether the database has the extension. */
bool
work_is_possible(void)
{
	return store_exists();
}

/*
 * Wait for the calls that run in this database, and let none begin until the
 * transaction ends: each begins with the lock of a proposal.
 */
void
work_lock_out(void)
{
	if (work_is_possible())
		table_close(store_open(STORE_PROPOSAL, AccessExclusiveLock), NoLock);
}

/* For the setting workflow_orch.retry_sqlstates. */
bool
work_check_sqlstates(char **list, pg_attribute_unused() void **extra,
					 pg_attribute_unused() GucSource source)
{
	if (*list == NULL || retry_list_is_valid(*list))
		return true;
	GUC_check_errdetail("Entries are SQLSTATEs of five characters, or classes of two.");
	return false;
}

static void
put_off(Work *work, TimestampTz until)
{
	work->report->end = WORK_LATER;
	work->report->later = until;
}

/*
 * Wait until the transaction that queued a call has told everybody what else
 * it did.  Its commit announces the call a moment before it sends its
 * invalidation messages, and releases its locks after them.
 */
static void
wait_for_enqueuer(const QueueRow *queued)
{
	TransactionId xid = HeapTupleHeaderGetXmin(queued->row->tuple->t_data);

	if (TransactionIdIsNormal(xid))
		XactLockTableWait(xid, NULL, NULL, XLTW_None);
	AcceptInvalidationMessages();
}

/*
 * Lock the proposal and read the rest; false where there is nothing to run
 * now, which the report says.
 */
static bool
work_begin(Work *work, WorkItem *item, WorkReport *report)
{
	const Execution *execution;

	memset(work, 0, sizeof(Work));
	memset(report, 0, sizeof(WorkReport));
	work->item = item;
	work->report = report;
	report->end = WORK_GONE;
	report->execution_id = item->call.execution_id;
	if (item->execution_id != 0 && item->call.execution_id == 0 &&
		(execution = execution_load(item->execution_id)) != NULL)
	{
		if (execution->status != EXECUTION_RUNNING)
		{
			report->end = WORK_DONE;
			report->execution_id = item->execution_id;
			return false;
		}
		item->call.execution_id = item->execution_id;
		report->execution_id = item->execution_id;
	}
	/* What has started is not put off: another session has the row for a moment at most. */
	switch (proposal_lock(item->call.proposal_id, item->start_kept, &work->proposal))
	{
		case STORE_LOCKED:
			break;
		case STORE_BUSY:
			put_off(work, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUSY_DELAY));
			return false;
		case STORE_GONE:
			return false;
	}

	work->queued = queue_load(item->call.proposal_id);
	if (item->call.execution_id == 0)
	{
		work->queued = NULL;
		work->execution.proposal_id = work->proposal->proposal_id;
		work->execution.proposed_by = work->proposal->actor_id;
		work->execution.workflow_id = work->proposal->workflow_id;
		work->execution.revision = work->proposal->revision;
		work->execution.actor_id = item->actor_id;
		work->execution.login = item->login;
		work->execution.attempt = item->attempts;
		return true;
	}

	if (work->queued == NULL || work->queued->execution_id != item->call.execution_id ||
		work->queued->held)
		return false;
	if (!item->start_kept && work->queued->due_at > GetCurrentTimestamp())
	{
		put_off(work, work->queued->due_at);
		return false;
	}
	wait_for_enqueuer(work->queued);
	execution = execution_load(item->call.execution_id);
	if (execution == NULL)
		return false;
	work->execution = *execution;
	return true;
}

static bool
is_in_list(const ErrorData *error)
{
	return retry_list_has(setting_retry_sqlstates, unpack_sql_state(error->sqlerrcode));
}

/*
 * When a call that has failed with an error is to be tried again: 0 for never,
 * be it for the error, for its number of attempts or for its approval, which
 * would have expired.  passing is whether the error is one that passes, where
 * its SQLSTATE does not say so.
 */
static TimestampTz
retry_time(const Work *work, const ErrorData *error, bool passing)
{
	const Tool *tool = tool_load(work->proposal->tool);
	TimestampTz at;

	if (work->execution.status == EXECUTION_RUNNING || tool == NULL ||
		work->execution.attempt >= tool->max_attempts || (!passing && !is_in_list(error)))
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
static void
write_execution(Work *work)
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
static void
write_retry(Work *work, const CallResult *result, TimestampTz at)
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
		write_execution(work);
	}
	put_off(work, at);
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
	write_execution(work);
}

/* Write that a call was cancelled after its start, as the result's error says; the proposal stays. */
static void
write_cancelled(Work *work, CallResult *result, ErrorData *error)
{
	result->error = error;
	result->output = NULL;
	write_result(work, result, EXECUTION_CANCELLED);
}

/*
 * The error that says that somebody asked for the end of the call, NULL where
 * nobody did; notes who.  ran is whether the tool was called.
 */
static ErrorData *
cancel_requested(Work *work, bool ran)
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
static void
write_end(Work *work, CallResult *result)
{
	TimestampTz again = result->error != NULL ? retry_time(work, result->error, false) : 0;
	ErrorData *cancelled = again != 0 ? cancel_requested(work, true) : NULL;

	if (cancelled != NULL)
	{
		write_cancelled(work, result, cancelled);
		return;
	}
	if (again != 0)
	{
		work->execution.started_at = result->started_at;
		work->execution.finished_at = result->finished_at;
		write_retry(work, result, again);
		return;
	}
	write_result(work, result, result->error != NULL ? EXECUTION_FAILED : EXECUTION_SUCCEEDED);
	if (!result->dry_run)
		proposal_change(work->proposal, NULL, result->error == NULL ? EVENT_EXECUTE : EVENT_FAIL,
						result->error == NULL ? PROPOSAL_EXECUTED : PROPOSAL_FAILED,
						work->execution.actor_id, NULL);
}

/* Count an attempt, unless that was done when its start was kept. */
static void
count_attempt(Work *work)
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

	count_attempt(work);
	write_end(work, &result);
}

/*
 * Record that a call whose start was kept has no end, and may have happened:
 * false where it is not such a call, or this worker is the one to run it.
 */
static bool
write_if_without_end(Work *work)
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
		put_off(work, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUSY_DELAY));
		return true;
	}
	request = cancel_request_first(work->execution.execution_id);
	if (request != NULL)
		cause = cancel_request_text(request);
	else if (item->timed_out)
		cause = "It went on after its timeout, and its worker was ended.";
	result.error = start_lost_error(&work->execution, cause);
	write_end(work, &result);
	return true;
}

/* Record what no worker lived to record; false where there is nothing of it. */
static bool
write_verdict(Work *work)
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
static bool
write_requested_cancel(Work *work)
{
	const WorkItem *item = work->item;
	TimestampTz now = GetCurrentTimestamp();
	bool ran = item->losses > 0 || item->timed_out ||
			   (work->queued != NULL && work->queued->crashes > 0);
	ErrorData *cancelled = cancel_requested(work, ran);
	CallResult result = {.tool = work->proposal->tool,
						 .params = work->proposal->params,
						 .dry_run = work->execution.dry_run,
						 .started_at = ran && item->started_at != 0 ? item->started_at : now,
						 .finished_at = now};

	if (cancelled == NULL)
		return false;
	if (ran)
		count_attempt(work);
	write_cancelled(work, &result, cancelled);
	return true;
}

/*
 * What a call that ended with an error was cancelled with, NULL where it was
 * not: by cancel_execution, or by the end of its batch.  A deadlock is told as
 * what it is instead, and is the call's failure; so is a cancel that nobody of
 * ours has sent.
 */
static ErrorData *
was_cancelled(Work *work, const WorkHooks *hooks, ErrorData *error)
{
	WorkCancel cancel = {0};
	ErrorData *requested;

	if (error == NULL || (error->sqlerrcode != ERRCODE_QUERY_CANCELED && !deadline_saw_cancel()))
		return NULL;
	requested = cancel_requested(work, true);
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

/*
 * Whether a call that has not begun may begin now; if not, writes what becomes
 * of it, or puts it off.
 */
static bool
may_begin(Work *work)
{
	TimestampTz frozen_until;

	if (work->queued != NULL && proposal_status_now(work->proposal) == PROPOSAL_EXPIRED)
	{
		(void) queued_cancel(work->proposal, NULL, "The approval has expired.");
		work->report->end = WORK_DONE;
		return false;
	}
	if (write_verdict(work))
		return false;
	frozen_until = freeze_ends(work->proposal->tool);
	if (frozen_until != 0 && work->queued != NULL)
	{
		put_off(work, frozen_until);
		return false;
	}
	if (work->queued == NULL)
	{
		approved_check_not_queued(work->proposal->proposal_id);
		freeze_check(work->proposal->tool);
	}
	return true;
}

/*
 * Write the start of a call that must not run twice, which ends this
 * transaction: false where it needs none, or has one.
 */
static bool
keep_start(Work *work, const ApprovedCall *call)
{
	WorkItem *item = work->item;

	if (item->start_kept || !start_is_kept(call))
		return false;
	if (!start_keep(&work->execution, call, work->queued))
	{
		put_off(work, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUSY_DELAY));
		return true;
	}
	item->execution_id = work->execution.execution_id;
	item->start_kept = true;
	work->report->end = WORK_STARTED;
	work->report->execution_id = work->execution.execution_id;
	return true;
}

/*
 * Tell listeners of the start of a queued call, if the policy wants it, which ends
 * this transaction: what it does is told when it has ended.  False where there is
 * nothing to tell.  The commit does not wait for the disk, since nothing else is
 * in it.
 */
static bool
tell_start(Work *work)
{
	WorkItem *item = work->item;

	if (item->start_told || item->start_kept || work->queued == NULL || !policy_load()->notify)
		return false;
	record_notify_execution(work->execution.workflow_id, work->execution.proposal_id,
							work->execution.execution_id, EXECUTION_RUNNING);
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	item->start_told = true;
	work->report->end = WORK_STARTED;
	return true;
}

/*
 * Run a call as far as the commit, which is the caller's.
 *
 * Called in a transaction of a session of the tool's role.  Raises what keeps
 * the call from running; an error of the tool is recorded.  Where the report
 * says WORK_STARTED, the caller commits and calls it again in another
 * transaction.
 */
void
work_run(WorkItem *item, const WorkHooks *hooks, WorkReport *report)
{
	Work work;
	ApprovedCall call;
	CallResult result;
	Run run = {.in_worker = true};
	ErrorData *cancelled;

	deadline_forget_cancel();
	if (!work_begin(&work, item, report) || write_if_without_end(&work))
		return;
	if (item->start_kept && work.execution.status != EXECUTION_RUNNING)
		return;
	if (write_requested_cancel(&work) || (!item->start_kept && !may_begin(&work)))
		return;

	approved_load(&call, work.proposal);
	call.dry_run |= work.execution.dry_run;
	approved_check_role(&call);
	if (call.run_as != GetSessionUserId())
		report_wrong_state("wfo_tool_changed",
						   errmsg("tool \"%s\" runs as another role now", call.tool->tool),
						   errhint("Execute the proposal again."));
	run_as_check_worker(call.tool, call.run_as);
	if (work.execution.actor_id != NULL)
		run.actor = actor_require(*work.execution.actor_id);
	if (work.queued == NULL)
		work.execution.execution_id = store_next_id(STORE_EXECUTION);
	run.execution_id = work.execution.execution_id;

	if (!item->start_kept)
		hooks->starts(run.execution_id, call.tool->tool);
	if (keep_start(&work, &call) || tell_start(&work))
		return;
	item->started_at = GetCurrentTimestamp();
	item->started = true;
	count_attempt(&work);
	approved_run(&call, &run, &result);
	item->called = true;
	hooks->ended();
	result.may_have_happened = item->start_kept && result.error != NULL;
	cancelled = was_cancelled(&work, hooks, result.error);
	if (cancelled != NULL)
		write_cancelled(&work, &result, cancelled);
	else
		write_end(&work, &result);
	item->at_commit = true;
}

/*
 * Whether the role of a queued call exists but cannot connect now: that may
 * pass, and costs an attempt.
 */
static bool
role_is_away(const Work *work)
{
	return work->queued != NULL && run_as_exists(work->queued->run_as) &&
		   run_as_connect_problem(MyDatabaseId, work->queued->run_as) != NULL;
}

/* Have such a call tried again, as if it had failed: false where that was its last attempt. */
static bool
write_retry_when_back(Work *work, CallResult *result)
{
	TimestampTz again;

	work->execution.attempt++;
	again = retry_time(work, result->error, true);
	if (again == 0)
	{
		work->execution.attempt--;
		return false;
	}
	work->execution.started_at = work->execution.finished_at = result->finished_at;
	write_retry(work, result, again);
	return true;
}

/*
 * Record an error that undid the transaction of work_run, in another one: at its
 * commit it is the call's, before the tool has returned a refusal.  Between the
 * two it is the call's unless it is one that passes: then the lock that was in
 * the way of the result would be in the way of its failure, too.  A refusal for a passing
 * reason is put off.  hooks is NULL where the call was never begun.
 */
void
work_fail(WorkItem *item, const ErrorData *error, const WorkHooks *hooks, WorkReport *report)
{
	Work work;
	TimestampTz now = GetCurrentTimestamp();
	ErrorData copy = *error;
	CallResult result = {.error = &copy, .started_at = now, .finished_at = now};
	ErrorData *cancelled;

	if (!work_begin(&work, item, report) || write_if_without_end(&work))
		return;
	result.tool = work.proposal->tool;
	result.params = work.proposal->params;
	result.dry_run = work.execution.dry_run;
	result.may_have_happened = item->start_kept && item->started;
	if (item->started)
		result.started_at = item->started_at;
	cancelled = was_cancelled(&work, hooks, &copy);
	if (cancelled == NULL)
		cancelled = cancel_requested(&work, item->started);
	if (cancelled != NULL)
	{
		if (item->started)
			count_attempt(&work);
		write_cancelled(&work, &result, cancelled);
		return;
	}
	if (item->at_commit || result.may_have_happened || (item->called && !is_in_list(&copy)))
	{
		count_attempt(&work);
		write_end(&work, &result);
		return;
	}
	if (role_is_away(&work))
	{
		if (write_retry_when_back(&work, &result))
			return;
	}
	/* What has a start ends here: put off, it would count as one without an end. */
	else if (work.execution.status != EXECUTION_RUNNING &&
			 (is_in_list(&copy) || copy.sqlerrcode == ERRCODE_QUERY_CANCELED))
	{
		put_off(&work, TimestampTzPlusMilliseconds(now, setting_retry_delay));
		return;
	}
	work.execution.status = EXECUTION_FAILED;
	work.execution.started_at = 0;
	work.execution.finished_at = now;
	work.execution.result = result_build(&result);
	write_execution(&work);
}

/* Count a crash of the server against a queued call that was running. */
void
work_note_crash(int64 execution_id)
{
	Execution *execution = execution_load(execution_id);
	Proposal *proposal;
	QueueRow *queued;

	if (execution == NULL || proposal_lock(execution->proposal_id, true, &proposal) != STORE_LOCKED)
		return;
	queued = queue_load(execution->proposal_id);
	if (queued == NULL || queued->execution_id != execution_id)
		return;
	/* It is not run again, so nothing needs to know. */
	if (execution->status == EXECUTION_RUNNING)
		return;
	queued->crashes++;
	queue_update(queued);
	ereport(LOG, (errmsg("the server crashed while execution " INT64_FORMAT
						 " ran; crashes so far: " INT64_FORMAT,
						 execution_id, queued->crashes)));
}

static bool
note_due(pg_attribute_unused() const QueuedCall *call, void *arg)
{
	*(bool *) arg = true;
	return false;
}

/* Queued calls of a role that no worker can connect as, and why. */
typedef struct Failing
{
	const int64 *ids; /* of their proposals */
	const char *problem;
} Failing;

/* Fail one, and name the role as the tool has it. */
static void
fail_call(int index, void *arg)
{
	const Failing *failing = arg;
	const QueueRow *queued = queue_load(failing->ids[index]);
	const Tool *tool = queued != NULL ? tool_load(queued->tool) : NULL;
	ErrorData error = {.sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   .detail = pstrdup(failing->problem),
					   .hint = pstrdup("Let the role connect, or name another one with "
									   "update_tool(..., run_as => ...); then execute the "
									   "proposal again."),
					   .constraint_name = pstrdup("wfo_role_no_worker")};
	WorkItem item = {.call.proposal_id = failing->ids[index]};
	WorkReport report;

	if (queued == NULL || queued->held)
		return;
	error.message = psprintf("no background worker can run tool \"%s\" as role \"%s\"",
							 queued->tool, tool != NULL ? tool->run_as : "?");
	item.call.execution_id = queued->execution_id;
	work_fail(&item, &error, NULL, &report);
}

/* Fail the due calls of a role that no worker can have, and say why. */
static void
fail_calls_of(Oid role, const char *problem)
{
	int count;
	Failing failing = {.ids = queue_list(false, role, &count), .problem = problem};

	each_item(count, fail_call, &failing);
}

/*
 * Look through the queue: visit each role that has calls, with whether any is
 * due and when the next one will be, 0 for never.
 */
void
work_look(WorkVisitRole visit)
{
	int count;
	Oid *roles = queue_roles(&count);

	for (int i = 0; i < count; i++)
	{
		bool due = false;
		TimestampTz next_due;
		const char *problem = run_as_connect_problem(MyDatabaseId, roles[i]);

		CHECK_FOR_INTERRUPTS();
		if (problem != NULL)
		{
			fail_calls_of(roles[i], problem);
			visit(roles[i], false, queued_visit_due(roles[i], note_due, &due));
			continue;
		}
		next_due = queued_visit_due(roles[i], note_due, &due);
		if (due || next_due != 0)
			visit(roles[i], due, next_due);
	}
}
