/*
 * work.c
 *	  What a background worker does with a call, in its own transaction.
 *
 * This file owns the steps of a call, up to the commit.  What to write about its end
 * is decided in work_end.c; processes and the pool are not known here.
 *
 * work_run() locks the proposal, checks everything again, runs the tool in a
 * subtransaction and writes result, status and audit row; the worker commits.
 * After a crash before the commit the call is as it was, and runs again; with the
 * commit the call leaves the queue.  An error outside the tool, such as a refusal,
 * undoes the transaction, and work_fail() records it in another one.  A refused
 * call has not run: its execution has failed, and its proposal stays approved.
 *
 * A call whose tool must not run twice takes two transactions.  The first one ends
 * with the start of the call (start.c); a call that has a start but no worker is
 * never run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "base/errors.h"
#include "base/settings.h"
#include "base/subtransaction.h"
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
 * The same, and let nobody drop it until the transaction ends.  A process that looks
 * at several tables calls this first: work_lock_out() waits for it, and it waits for
 * work_lock_out() before it holds a lock on any other table.
 */
bool
work_lock_in(void)
{
	return store_lock_shared(STORE_PROPOSAL);
}

/*
 * Wait for the calls that run in this database, and let none begin until the
 * transaction ends.  Each call first locks a proposal, and so its table; what looks
 * through the queue locks it with work_lock_in().
 */
void
work_lock_out(void)
{
	if (work_is_possible())
		table_close(store_open(STORE_PROPOSAL, AccessExclusiveLock), NoLock);
}

/*
 * Lock and open what each further call of the transaction locks and writes, until
 * work_share_end().  The calls then find it, which a subtransaction would lock, open and
 * release again.
 */
void
work_share_begin(void)
{
	static const StoreTable tables[] = {STORE_PROPOSAL, STORE_EXECUTION, STORE_QUEUE,
										STORE_AUDIT_LOG};

	for (int i = 0; i < (int) lengthof(tables); i++)
		store_lock_indexes(tables[i]);
	store_keep_open(tables, lengthof(tables));
}

/* End it, before the transaction ends, unless that is undone. */
void
work_share_end(void)
{
	store_keep_close();
}

/* The check hook of the setting workflow_orch.retry_sqlstates. */
bool
work_check_sqlstates(char **list, pg_attribute_unused() void **extra,
					 pg_attribute_unused() GucSource source)
{
	if (*list == NULL || retry_list_is_valid(*list))
		return true;
	GUC_check_errdetail(
		"Each entry must be an SQLSTATE of five characters or a class of two characters.");
	return false;
}

/*
 * Wait until the other changes of the transaction that queued a call are visible.
 * A worker that looks through the queue finds the call a moment before the commit
 * sends its invalidation messages, and then releases its locks.
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
 * The execution under which a call of a batch may have run before: false if it has
 * ended, which the report says.  An execution that is running becomes the call's.
 */
static bool
adopt_execution(WorkerCall *call, WorkReport *report)
{
	const Execution *execution;

	if (call->execution_id == 0 || call->queued.execution_id != 0)
		return true;
	execution = execution_load(call->execution_id);
	if (execution == NULL)
		return true;
	report->execution_id = call->execution_id;
	if (execution->status != EXECUTION_RUNNING)
	{
		report->end = WORK_DONE;
		return false;
	}
	call->queued.execution_id = call->execution_id;
	return true;
}

/*
 * Lock the proposal of a call and read its rows.  Returns false if there is
 * nothing to run now; the report says why.
 */
static bool
lock_call(LockedCall *locked, WorkerCall *call, WorkReport *report)
{
	const Execution *execution;

	Assert(IsTransactionState());
	memset(locked, 0, sizeof(LockedCall));
	memset(report, 0, sizeof(WorkReport));
	locked->call = call;
	locked->report = report;
	report->end = WORK_GONE;
	report->execution_id = call->queued.execution_id;
	if (!adopt_execution(call, report))
		return false;
	/* A started call is not put off: another session locks the row for a moment only. */
	switch (proposal_lock(call->queued.proposal_id, call->start_kept ? LockWaitBlock : LockWaitSkip,
						  &locked->proposal))
	{
		case STORE_LOCKED:
			break;
		case STORE_BUSY:
			work_put_off(locked,
						 TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WORK_BUSY_DELAY));
			return false;
		case STORE_GONE:
			return false;
	}

	if (call->queued.execution_id == 0)
	{
		locked->execution = approved_execution(locked->proposal, call->actor_id, call->login);
		locked->execution.attempt = call->attempts;
		return true;
	}

	locked->queued = queue_load(call->queued.proposal_id);
	if (locked->queued == NULL || locked->queued->execution_id != call->queued.execution_id ||
		locked->queued->held)
		return false;
	if (!call->start_kept && locked->queued->due_at > GetCurrentTimestamp())
	{
		work_put_off(locked, locked->queued->due_at);
		return false;
	}
	wait_for_enqueuer(locked->queued);
	execution = execution_load(call->queued.execution_id);
	if (execution == NULL)
		return false;
	locked->execution = *execution;
	return true;
}

/*
 * Whether a call that has not started can start now.  If not, writes what becomes
 * of it, or puts it off.
 */
static bool
can_start(LockedCall *locked)
{
	TimestampTz frozen_until;

	if (locked->queued != NULL && proposal_status_now(locked->proposal) == PROPOSAL_EXPIRED)
	{
		(void) queued_cancel(locked->proposal, NULL, "The approval has expired.");
		locked->report->end = WORK_DONE;
		return false;
	}
	if (work_write_verdict(locked))
		return false;
	frozen_until = freeze_ends(locked->proposal->tool);
	if (frozen_until != 0 && locked->queued != NULL)
	{
		work_put_off(locked, frozen_until);
		return false;
	}
	if (locked->queued == NULL)
	{
		approved_check_not_queued(locked->proposal->proposal_id);
		freeze_check(locked->proposal->tool);
	}
	return true;
}

/*
 * Write the start of a call that must not run twice, which ends this transaction:
 * false if the call needs no kept start, or has one.
 */
static bool
keep_start(LockedCall *locked, const ApprovedCall *approved)
{
	WorkerCall *call = locked->call;

	if (call->start_kept || !start_is_kept(approved))
		return false;
	if (!start_keep(&locked->execution, approved, locked->queued))
	{
		work_put_off(locked, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WORK_BUSY_DELAY));
		return true;
	}
	call->execution_id = locked->execution.execution_id;
	call->start_kept = true;
	locked->report->end = WORK_STARTED;
	locked->report->execution_id = locked->execution.execution_id;
	return true;
}

/*
 * Notify listeners of the start of a queued call, if the policy says so, which
 * ends this transaction, since notifications are sent at the commit.  A call that
 * shares the transaction of others would only tell it together with its end.  Returns
 * false if there is nothing to tell.  The commit does not wait for the disk, since it
 * writes nothing else.
 */
static bool
tell_start(LockedCall *locked)
{
	WorkerCall *call = locked->call;

	if (call->shares || call->start_told || call->start_kept || locked->queued == NULL ||
		!policy_load()->notify)
		return false;
	record_notify_execution(locked->execution.workflow_id, locked->execution.proposal_id,
							locked->execution.execution_id, EXECUTION_RUNNING);
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	call->start_told = true;
	locked->report->end = WORK_STARTED;
	return true;
}

/*
 * Read what work_run() will read for a call that need not be committed yet, so that it
 * is in the caches of this process and of its processor.  Decides nothing, writes nothing
 * and locks no row.
 */
void
work_warm_up(const QueuedCall *call)
{
	const Proposal *proposal = proposal_load(call->proposal_id);
	const Tool *tool = proposal != NULL ? tool_load(proposal->tool) : NULL;

	(void) queue_load(call->proposal_id);
	(void) execution_load(call->execution_id);
	(void) cancel_request_first(call->execution_id);
	if (tool == NULL)
		return;
	(void) policy_load();
	(void) freeze_ends(tool->tool);
	(void) run_as_problem(tool, definition_load(tool));
	(void) run_as_connect_problem(MyDatabaseId, tool->run_as_oid);
}

/*
 * Run a call up to the commit, which is the caller's.
 *
 * It must be called in a transaction of a session of the tool's role.  It raises
 * an error if the call cannot run; an error of the tool is recorded.  If the report
 * says WORK_STARTED, the caller must commit and call it again in another
 * transaction.
 *
 * A call that shares the transaction of others must be called in a subtransaction.
 * It also raises an error of the tool that comes of no cancel, in which the others may
 * have a part, and it has not run if an error is raised.
 */
void
work_run(WorkerCall *call, const WorkHooks *hooks, WorkReport *report)
{
	LockedCall locked;
	ApprovedCall approved;
	CallResult result;
	Run run = {.in_worker = true};
	ErrorData *cancelled;

	Assert(IsTransactionState());
	Assert(call->queued.proposal_id != 0 && hooks != NULL);
	Assert(!call->started);
	deadline_forget_cancel();
	if (!lock_call(&locked, call, report) || work_write_if_without_end(&locked))
		return;
	if (call->start_kept && locked.execution.status != EXECUTION_RUNNING)
		return;
	if (work_write_requested_cancel(&locked) || (!call->start_kept && !can_start(&locked)))
		return;

	approved_load(&approved, locked.proposal);
	report->group_size = approved.tool->group_size;
	if (call->shares && report->group_size == 1)
	{
		report->end = WORK_ALONE;
		return;
	}
	approved.dry_run |= locked.execution.dry_run;
	approved_check_role(&approved);
	if (approved.run_as != GetSessionUserId())
		report_wrong_state("wfo_tool_changed",
						   errmsg("tool \"%s\" runs as another role now", approved.tool->tool),
						   errhint("Execute the proposal again."));
	run_as_check_worker(approved.tool, approved.run_as);
	if (locked.execution.actor_id != NULL)
		run.actor = actor_require(*locked.execution.actor_id);
	if (locked.queued == NULL)
		locked.execution.execution_id = store_next_id(STORE_EXECUTION);
	run.execution_id = locked.execution.execution_id;

	if (!call->start_kept)
		hooks->starts(run.execution_id, approved.tool->tool);
	if (keep_start(&locked, &approved) || tell_start(&locked))
		return;
	call->history.started_at = GetCurrentTimestamp();
	call->started = true;
	work_count_attempt(&locked);
	approved_run(&approved, &run, &result);
	call->called = true;
	hooks->ended();
	result.may_have_happened = call->start_kept && result.error != NULL;
	cancelled = work_was_cancelled(&locked, hooks, result.error);
	/* The calls before it may have a part in this: locks, or constraints that are not deferred. */
	if (call->shares && result.error != NULL && cancelled == NULL)
		ReThrowError(result.error);
	if (cancelled != NULL)
		work_write_cancelled(&locked, &result, cancelled);
	else
		work_write_end(&locked, &result);
	call->at_commit = true;
}

/*
 * Whether the role of a queued call exists but cannot connect now.  That may pass,
 * so it costs an attempt.
 */
static bool
role_is_away(const LockedCall *locked)
{
	return locked->queued != NULL && run_as_exists(locked->queued->run_as) &&
		   run_as_connect_problem(MyDatabaseId, locked->queued->run_as) != NULL;
}

/* Have such a call tried again, as if it had failed: false if that was its last attempt. */
static bool
write_retry_when_back(LockedCall *locked, CallResult *result)
{
	TimestampTz again;

	locked->execution.attempt++;
	again = work_next_attempt_time(locked);
	if (again == 0)
	{
		locked->execution.attempt--;
		return false;
	}
	locked->execution.started_at = locked->execution.finished_at = result->finished_at;
	work_write_retry(locked, result, again);
	return true;
}

/*
 * Record an error that has undone the transaction of work_run(), in another one.
 *
 * An error at the commit is a failure of the call.  An error before the tool has
 * returned is a refusal; a refusal for a reason that passes is put off.  An error
 * between the two is a failure as well, unless its reason passes: a lock that kept
 * the result from being written would also keep the failure from being written.
 *
 * hooks is NULL if work_run() was never called.
 */
void
work_fail(WorkerCall *call, const ErrorData *error, const WorkHooks *hooks, WorkReport *report)
{
	LockedCall locked;
	TimestampTz now = GetCurrentTimestamp();
	ErrorData copy = *error;
	CallResult result = {.error = &copy, .started_at = now, .finished_at = now};
	ErrorData *cancelled;

	if (!lock_call(&locked, call, report) || work_write_if_without_end(&locked))
		return;
	result.tool = locked.proposal->tool;
	result.params = locked.proposal->params;
	result.dry_run = locked.execution.dry_run;
	result.may_have_happened = call->start_kept && call->started;
	if (call->started)
		result.started_at = call->history.started_at;
	cancelled = work_was_cancelled(&locked, hooks, &copy);
	if (cancelled == NULL)
		cancelled = work_cancel_requested(&locked, call->started ? CANCEL_WHILE_RUNNING
																 : CANCEL_BEFORE_START);
	if (cancelled != NULL)
	{
		if (call->started)
			work_count_attempt(&locked);
		work_write_cancelled(&locked, &result, cancelled);
		return;
	}
	if (call->at_commit || result.may_have_happened || (call->called && !work_error_passes(&copy)))
	{
		work_count_attempt(&locked);
		work_write_end(&locked, &result);
		return;
	}
	if (role_is_away(&locked))
	{
		if (write_retry_when_back(&locked, &result))
			return;
	}
	/* A call that has a kept start must end here: put off, it would count as one without an end. */
	else if (locked.execution.status != EXECUTION_RUNNING &&
			 (work_error_passes(&copy) || copy.sqlerrcode == ERRCODE_QUERY_CANCELED))
	{
		work_put_off(&locked, TimestampTzPlusMilliseconds(now, setting_retry_delay));
		return;
	}
	locked.execution.status = EXECUTION_FAILED;
	locked.execution.started_at = 0;
	locked.execution.finished_at = now;
	locked.execution.result = result_build(&result);
	work_write_execution(&locked);
}
