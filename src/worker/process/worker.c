/*
 * worker.c
 *	  A background worker that runs calls as one role in one database.
 *
 * It is connected as the tool's role: nothing that runs in it can have more
 * rights than that.  Each call is a transaction, and finds the session as new.
 * When there is nothing to do it sleeps on its latch, and ends after a while.
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "access/xact.h"
#include "base/compat.h"
#include "base/settings.h"
#include "engine/run/work.h"
#include "engine/sandbox/deadline.h"
#include "engine/tool/run_as.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/pool/waiter.h"
#include "worker/process/batch_call.h"
#include "worker/process/journal.h"
#include "worker/process/loss.h"
#include "worker/process/next.h"
#include "worker/process/process.h"
#include "worker/process/refill.h"
#include "worker/process/session.h"
#include "worker/process/worker.h"

/* When to start a worker after one that ended with an error, in ms. */
#define RESTART_DELAY 500

/* How long a worker keeps a call at most that cannot start at the moment, in ms. */
#define LONGEST_KEEP 1000

static Slot *slot;
static int slot_index;
static BatchTask batch_task;
static TimestampTz turn_began;

/*
 * The server ends its processes at once, for a crash or for an immediate
 * shutdown: in the latter the running call is no suspect.
 */
static void
quit_handler(SIGNAL_ARGS)
{
	(void) postgres_signal_arg;
	if (GetQuitSignalReason() == PMQUIT_FOR_STOP)
		journal_leave_from_signal();
	_exit(2);
}

/* Give back what this worker has, at the end of the process. */
static void
worker_exit(int code, Datum arg)
{
	PoolGroup *group = &pool->groups[slot->group];
	bool timed_out = deadline_ends_process() || slot->ended_hard;
	bool started;

	(void) arg;
	pool_lock();
	started = slot->state != SLOT_STARTING;
	if (!started)
		pool_note_failed_start(group);
	else
		group->failed_starts = 0;
	if (slot->state == SLOT_BUSY && slot->execution_id != 0 && code != 0)
		loss_note_locked(slot->database, slot->execution_id);
	if (slot->state == SLOT_BUSY && slot->batch >= 0)
		batch_call_give_back_locked(slot, timed_out);
	else if (slot->state == SLOT_BUSY && group->database == slot->database &&
			 group->role == slot->role)
	{
		if (slot->execution_id != 0)
		{
			slot->task.losses += code != 0;
			slot->task.timed_out |= timed_out;
			slot->task.started_at = slot->since;
		}
		pool_add_task(group, &slot->task);
	}
	if (slot->filling)
	{
		group->filling = false;
		group->incomplete = true;
	}
	if (code != 0 && group->retry_start == 0)
		group->retry_start = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RESTART_DELAY);
	slot->state = SLOT_FREE;
	slot->pid = 0;
	slot->latch = NULL;
	/* What it had, or would have done next, is for another, who may be idle. */
	if (started && (group->ntasks > 0 || group->incomplete || pool_waiting_in_batches(group) > 0))
		pool_wake(group, 1);
	pool_wake_launcher();
	pool_unlock();
	journal_leave(slot_index);
}

/* A call is done: the worker is free for the next. */
static void
end_call(void)
{
	pool_lock();
	slot->state = SLOT_IDLE;
	slot->since = GetCurrentTimestamp();
	slot->execution_id = 0;
	if (slot->exclusive)
		for (int i = 0; i < pool->nslots; i++)
			if (pool->slots[i].state == SLOT_IDLE && pool->slots[i].latch != NULL)
				SetLatch(pool->slots[i].latch);
	slot->exclusive = false;
	pool_unlock();
}

/* Hooks of work_run */

static char activity[POOL_TOOL_MAX + 64];

static void
call_starts(int64 execution_id, const char *tool)
{
	int length = pg_mbcliplen(tool, (int) strlen(tool), POOL_TOOL_MAX - 1);

	pool_lock();
	slot->execution_id = execution_id;
	memcpy(slot->tool, tool, length);
	slot->tool[length] = '\0';
	pool_unlock();
	if (slot->batch < 0)
		journal_enter(slot_index, MyDatabaseId, execution_id);
	snprintf(activity, sizeof(activity), "execution " INT64_FORMAT ": %s", execution_id,
			 slot->tool);
	debug_query_string = activity;
	pgstat_report_activity(STATE_RUNNING, activity);
}

static void
call_ended(void)
{
	if (slot->batch < 0)
		journal_leave(slot_index);
}

static bool
call_cancelled(WorkCancel *cancel)
{
	static char reason[POOL_REASON_MAX];
	bool cancelled;

	pool_lock();
	cancelled = slot->cancelled;
	cancel->deadlock = slot->deadlock;
	strlcpy(reason, slot->reason, sizeof(reason));
	cancel->reason = reason[0] != '\0' ? reason : NULL;
	pool_unlock();
	return cancelled;
}

static const WorkHooks hooks = {.starts = call_starts,
								.ended = call_ended,
								.cancelled = call_cancelled};

/* Record the error that has undone a call; false where that failed too. */
static bool
record_failure(WorkItem *item, MemoryContext context, WorkReport *report)
{
	ErrorData *error;
	volatile bool recorded = false;

	MemoryContextSwitchTo(context);
	/* First this: a hook on the log may make something else of the error. */
	EmitErrorReport();
	error = CopyErrorData();
	FlushErrorState();
	AbortCurrentTransaction();
	journal_leave(slot_index);
	/* Another cancel of the same call must not undo what is written of the first. */
	QueryCancelPending = false;
	PG_TRY();
	{
		HOLD_CANCEL_INTERRUPTS();
		session_begin_transaction();
		work_fail(item, error, &hooks, report);
		session_commit_transaction();
		RESUME_CANCEL_INTERRUPTS();
		recorded = true;
	}
	PG_CATCH();
	{
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	return recorded;
}

/*
 * End, where the role of this worker is gone: it could not even record what
 * becomes of the call, which a keeper does.
 */
static void
leave_without_role(void)
{
	if (run_as_exists(slot->role))
		return;
	session_commit_transaction();
	pool_request_visit(MyDatabaseId);
	proc_exit(0);
}

/* Run a call in a transaction of its own, to the end of it. */
static void
run_call(WorkItem *item, WorkReport *report)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool recorded = true;

	memset(report, 0, sizeof(WorkReport));
	PG_TRY();
	{
		do
		{
			session_begin_transaction();
			leave_without_role();
			if (!work_is_possible())
				report->end = WORK_GONE;
			else
				work_run(item, &hooks, report);
			session_commit_transaction();
		} while (report->end == WORK_STARTED);
	}
	PG_CATCH();
	{
		recorded = record_failure(item, context, report);
	}
	PG_END_TRY();
	if (!recorded)
	{
		report->end = WORK_LATER;
		report->later = loss_unrecorded(MyDatabaseId, item->call.execution_id);
	}
	debug_query_string = NULL;
	MemoryContextSwitchTo(context);
}

/* Have the group looked through again at a time. */
static void
look_again_at(TimestampTz at)
{
	PoolGroup *group = &pool->groups[slot->group];

	if (TIMESTAMP_IS_NOEND(at))
		return;
	pool_lock();
	if (group->next_due == 0 || at < group->next_due)
	{
		group->next_due = at;
		pool_wake_launcher();
	}
	pool_unlock();
}

/*
 * What is known of a call that a worker has ended with is known to the pool
 * alone: where another session has its proposal, keep it there.
 */
static bool
keep_task(const WorkReport *report)
{
	int64 delay = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), report->later);

	if (report->attempted || delay > LONGEST_KEEP ||
		(slot->task.losses == 0 && !slot->task.timed_out))
		return false;
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max(delay, 1),
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	pool_lock();
	pool_add_task(&pool->groups[slot->group], &slot->task);
	pool_unlock();
	return true;
}

static void
run_task(void)
{
	WorkReport report;
	WorkItem item = {.call = slot->task.call,
					 .losses = slot->task.losses,
					 .timed_out = slot->task.timed_out,
					 .started_at = slot->task.started_at};

	if (item.losses > 0)
		item.lost_to = loss_text(slot->database, item.call.execution_id);

	run_call(&item, &report);
	if (report.end == WORK_LATER)
	{
		if (!keep_task(&report))
			look_again_at(report.later);
	}
	else
		waiter_wake(MyDatabaseId, slot->task.call.execution_id);
}

static void
run_batch_call(void)
{
	WorkReport report;
	WorkItem item = {.call.proposal_id = batch_task.proposal_id,
					 .execution_id = batch_task.execution_id,
					 .attempts = batch_task.attempts,
					 .actor_id = batch_task.actor_id,
					 .login = batch_task.login,
					 .losses = batch_task.losses,
					 .timed_out = batch_task.timed_out,
					 .started_at = batch_task.started_at};

	if (item.losses > 0)
		item.lost_to = loss_text(slot->database, item.execution_id);

	run_call(&item, &report);
	batch_call_report(&batch_task, &report);
}

/* Sleep until there may be something to do: false when it is time to end. */
static bool
sleep_idle(TimestampTz wake_at)
{
	static uint32 event = 0;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end_at = TimestampTzPlusMilliseconds(slot->since, setting_worker_idle_timeout);

	if (event == 0)
		event = compat_wait_event("WorkflowOrchIdle");
	if (wake_at == 0 && now >= end_at)
		return false;
	if (wake_at == 0)
		wake_at = end_at;
	pgstat_report_activity(STATE_IDLE, NULL);
	pgstat_report_stat(true);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Max((wake_at - now + 999) / 1000, 1), event);
	return true;
}

/* Take the slot that the launcher has set aside, or end. */
static void
attach_slot(const WorkerStart *start)
{
	pool_lock();
	if (slot->state != SLOT_STARTING || slot->generation != start->generation)
	{
		pool_unlock();
		proc_exit(0);
	}
	slot->pid = MyProcPid;
	slot->latch = MyLatch;
	pool_unlock();
	before_shmem_exit(worker_exit, (Datum) 0);
}

static void
work_until_done(void)
{
	MemoryContext context = CurrentMemoryContext;
	int calls = 0;

	for (;;)
	{
		TimestampTz wake_at;
		Next next;

		ResetLatch(MyLatch);
		/* A cancel that comes between two calls is for neither. */
		QueryCancelPending = false;
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (setting_worker_max_calls > 0 && calls >= setting_worker_max_calls)
			return;

		next = next_choose(slot, turn_began, &batch_task, &wake_at);
		switch (next)
		{
			case NEXT_TASK:
			case NEXT_BATCH_CALL:
				if (next == NEXT_TASK)
					run_task();
				else
					run_batch_call();
				session_clean();
				/* At most once a second: without it autovacuum learns of nothing while we are busy. */
				(void) pgstat_report_stat(false);
				end_call();
				MemoryContextSwitchTo(context);
				MemoryContextReset(context);
				calls++;
				break;
			case NEXT_ATTACH:
				(void) batch_call_attach(slot->database, slot->role);
				break;
			case NEXT_FILL:
				refill_group(slot);
				break;
			case NEXT_SLEEP:
				batch_call_detach_if_over();
				if (!sleep_idle(wake_at))
					return;
				break;
			case NEXT_END:
				return;
		}
	}
}

void
wfo_worker_main(Datum index)
{
	WorkerStart start;

	slot_index = DatumGetInt32(index);
	slot = &pool->slots[slot_index];
	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof(start));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	loss_watch();
	pqsignal(SIGQUIT, quit_handler);
	BackgroundWorkerUnblockSignals();

	attach_slot(&start);
	journal_open();
	BackgroundWorkerInitializeConnectionByOid(start.database, start.role, COMPAT_WORKER_FLAGS);
	SetConfigOption("application_name", WORKER_TYPE, PGC_USERSET, PGC_S_OVERRIDE);
	session_prepare();

	turn_began = GetCurrentTimestamp();
	pool_lock();
	slot->state = SLOT_IDLE;
	slot->since = turn_began;
	pool->groups[slot->group].failed_starts = 0;
	pool->groups[slot->group].retry_start = 0;
	pool_unlock();
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, WORKER_TYPE,
												ALLOCSET_DEFAULT_SIZES));
	work_until_done();
	proc_exit(0);
}
