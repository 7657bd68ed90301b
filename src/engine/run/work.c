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
#include "base/errors.h"
#include "base/settings.h"
#include "engine/audit/record.h"
#include "engine/identity/caller.h"
#include "engine/run/approved.h"
#include "engine/run/frozen.h"
#include "engine/run/start.h"
#include "engine/run/work.h"
#include "engine/run/work_end.h"
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
			work_put_off(work, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUSY_DELAY));
			return false;
		case STORE_GONE:
			return false;
	}

	work->queued = queue_load(item->call.proposal_id);
	if (item->call.execution_id == 0)
	{
		work->queued = NULL;
		work->execution = approved_execution(work->proposal, item->actor_id, item->login);
		work->execution.attempt = item->attempts;
		return true;
	}

	if (work->queued == NULL || work->queued->execution_id != item->call.execution_id ||
		work->queued->held)
		return false;
	if (!item->start_kept && work->queued->due_at > GetCurrentTimestamp())
	{
		work_put_off(work, work->queued->due_at);
		return false;
	}
	wait_for_enqueuer(work->queued);
	execution = execution_load(item->call.execution_id);
	if (execution == NULL)
		return false;
	work->execution = *execution;
	return true;
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
	if (work_write_verdict(work))
		return false;
	frozen_until = freeze_ends(work->proposal->tool);
	if (frozen_until != 0 && work->queued != NULL)
	{
		work_put_off(work, frozen_until);
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
		work_put_off(work, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUSY_DELAY));
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
	if (!work_begin(&work, item, report) || work_write_if_without_end(&work))
		return;
	if (item->start_kept && work.execution.status != EXECUTION_RUNNING)
		return;
	if (work_write_requested_cancel(&work) || (!item->start_kept && !may_begin(&work)))
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
	work_count_attempt(&work);
	approved_run(&call, &run, &result);
	item->called = true;
	hooks->ended();
	result.may_have_happened = item->start_kept && result.error != NULL;
	cancelled = work_was_cancelled(&work, hooks, result.error);
	if (cancelled != NULL)
		work_write_cancelled(&work, &result, cancelled);
	else
		work_write_end(&work, &result);
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
	again = work_retry_time(work, result->error, true);
	if (again == 0)
	{
		work->execution.attempt--;
		return false;
	}
	work->execution.started_at = work->execution.finished_at = result->finished_at;
	work_write_retry(work, result, again);
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

	if (!work_begin(&work, item, report) || work_write_if_without_end(&work))
		return;
	result.tool = work.proposal->tool;
	result.params = work.proposal->params;
	result.dry_run = work.execution.dry_run;
	result.may_have_happened = item->start_kept && item->started;
	if (item->started)
		result.started_at = item->started_at;
	cancelled = work_was_cancelled(&work, hooks, &copy);
	if (cancelled == NULL)
		cancelled = work_cancel_requested(&work, item->started);
	if (cancelled != NULL)
	{
		if (item->started)
			work_count_attempt(&work);
		work_write_cancelled(&work, &result, cancelled);
		return;
	}
	if (item->at_commit || result.may_have_happened || (item->called && !work_error_passes(&copy)))
	{
		work_count_attempt(&work);
		work_write_end(&work, &result);
		return;
	}
	if (role_is_away(&work))
	{
		if (write_retry_when_back(&work, &result))
			return;
	}
	/* What has a start ends here: put off, it would count as one without an end. */
	else if (work.execution.status != EXECUTION_RUNNING &&
			 (work_error_passes(&copy) || copy.sqlerrcode == ERRCODE_QUERY_CANCELED))
	{
		work_put_off(&work, TimestampTzPlusMilliseconds(now, setting_retry_delay));
		return;
	}
	work.execution.status = EXECUTION_FAILED;
	work.execution.started_at = 0;
	work.execution.finished_at = now;
	work.execution.result = result_build(&result);
	work_write_execution(&work);
}
