/*
 * worker.c
 *	  A background worker that runs calls as one role in one database.
 *
 * A worker is connected as the tool's role, so nothing that runs in it has more
 * rights than that role.  Each call is a transaction of its own, in a session as
 * good as new.  A worker without a call sleeps on its latch, and ends after
 * workflow_orch.worker_idle_timeout.
 *
 * This file owns the process and the slot of the worker in the pool.  What to do
 * next is decided in next.c, and what a call does in engine/run/work.c; this file
 * reads and writes no table.
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
#include "storage/proc.h"
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
#include "worker/process/shared_commit.h"
#include "worker/process/worker.h"

/* Delay before the start of a worker after one that ended with an error, in ms. */
#define RESTART_DELAY 500

/* How long a worker waits at most with a call that cannot start at the moment, in ms. */
#define LONGEST_KEEP 1000

/* How long a worker that warms up for a call waits for a lock, in ms. */
#define WARM_UP_LOCK_TIMEOUT 1

/* A worker's turn: see end_of_turn().  Times are in ms. */
#define STARTS_IN_TURN 4
#define SHORTEST_TURN 100
#define LONGEST_TURN 500

/* Of this worker. */
static WorkerSlot *slot;
static int slot_index;
static TimestampTz turn_ends;

/*
 * Handle SIGQUIT, which ends all processes of the server after a crash or for an
 * immediate shutdown.  After a shutdown the running call is no suspect.
 */
static void
quit_handler(SIGNAL_ARGS)
{
	(void) postgres_signal_arg;
	if (GetQuitSignalReason() == PMQUIT_FOR_STOP)
		journal_leave_from_signal();
	_exit(2);
}

/* Release the slot and the call of this worker when its process ends. */
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
		group_note_failed_start_locked(group);
	else
		group->failed_starts = 0;
	if (slot->state == SLOT_BUSY && slot->execution_id != 0 && code != 0)
		loss_note_locked(slot->database, slot->execution_id);
	if (slot->state == SLOT_BUSY && slot->place.batch >= 0)
		batch_call_give_back_locked(slot, timed_out);
	else if (slot->state == SLOT_BUSY && group->database == slot->database &&
			 group->role == slot->role)
	{
		if (slot->execution_id != 0)
		{
			slot->call.history.losses += code != 0;
			slot->call.history.timed_out |= timed_out;
			slot->call.history.started_at = slot->since;
		}
		if (slot->nuncommitted > 0)
			shared_commit_give_back_locked(slot, group);
		else if (slot->call.queued.execution_id != 0)
			group_add_call_locked(group, &slot->call);
	}
	group_give_up_look_locked(group, slot);
	if (code != 0 && group->retry_start == 0)
		group->retry_start = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RESTART_DELAY);
	slot->state = SLOT_FREE;
	slot->pid = 0;
	slot->latch = NULL;
	/* An idle worker of the group may take over what this one had or would have done next. */
	if (started &&
		(group->ncalls > 0 || group->incomplete || group_waiting_in_batches_locked(group) > 0))
		group_wake_locked(group, 1);
	pool_wake_launcher_locked();
	pool_unlock();
	journal_leave(slot_index);
}

/* Note that the worker has finished its call. */
static void
release_call(void)
{
	pool_lock();
	Assert(slot->state == SLOT_BUSY);
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

/* What work_run() tells and asks the worker */

static char activity[POOL_TOOL_MAX + 64];

/* The call is about to run its tool. */
static void
call_starts(int64 execution_id, const char *tool)
{
	int length = pg_mbcliplen(tool, (int) strlen(tool), POOL_TOOL_MAX - 1);

	Assert(execution_id != 0);
	pool_lock();
	slot->execution_id = execution_id;
	memcpy(slot->tool, tool, length);
	slot->tool[length] = '\0';
	pool_unlock();
	if (slot->place.batch < 0)
		journal_enter(slot_index, MyDatabaseId, execution_id);
	snprintf(activity, sizeof(activity), "execution " INT64_FORMAT ": %s", execution_id,
			 slot->tool);
	debug_query_string = activity;
	pgstat_report_activity(STATE_RUNNING, activity);
}

/* The tool has returned. */
static void
call_ended(void)
{
	if (slot->place.batch < 0)
		journal_leave(slot_index);
}

/* Whether another process has canceled the call other than by a row of cancel_request; and why. */
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

/* Record the error that has undone the transaction of a call; false if that fails as well. */
static bool
record_call_error(WorkerCall *call, MemoryContext context, WorkReport *report)
{
	ErrorData *error;
	volatile bool recorded = false;

	MemoryContextSwitchTo(context);
	/* Report it first: a hook on the log may change the error. */
	EmitErrorReport();
	error = CopyErrorData();
	FlushErrorState();
	AbortCurrentTransaction();
	journal_leave(slot_index);
	/* Another cancel of the same call must not undo the record of the first one. */
	QueryCancelPending = false;
	PG_TRY();
	{
		HOLD_CANCEL_INTERRUPTS();
		session_begin_transaction();
		work_fail(call, error, &hooks, report);
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
 * End the process if the role of this worker does not exist any more.  The worker
 * could not even record that; a keeper records it.
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

/* Have the queue of this worker's group looked through at a time. */
static void
look_again_at(TimestampTz at)
{
	if (TIMESTAMP_IS_NOEND(at))
		return;
	pool_lock();
	group_look_at_locked(&pool->groups[slot->group], at);
	pool_unlock();
}

/* Whether other calls may share the transaction in which a call has ended. */
static bool
may_be_shared(const WorkerCall *call, const WorkReport *report)
{
	return report->end == WORK_DONE && report->group_size > 1 && slot->place.batch < 0 &&
		   !call->start_kept && next_is_sociable(&slot->call);
}

/* Undo a transaction of several calls, and have each of them run by itself. */
static void
undo_shared(MemoryContext context, WorkReport *report)
{
	MemoryContextSwitchTo(context);
	EmitErrorReport();
	FlushErrorState();
	AbortCurrentTransaction();
	journal_leave(slot_index);
	pool_lock();
	group_give_up_look_locked(&pool->groups[slot->group], slot);
	shared_commit_give_back_locked(slot, &pool->groups[slot->group]);
	pool_unlock();
	report->end = WORK_GONE;
}

/*
 * Run a call in transactions of its own, up to the commit or the record of its
 * failure.  Calls of a tool with a group_size may share the last one.
 */
static void
run_call(WorkerCall *call, WorkReport *report)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool recorded = true;
	volatile bool shared = false;
	volatile TimestampTz look_at = DT_NOEND;

	Assert(!IsTransactionState());
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
				work_run(call, &hooks, report);
			shared = may_be_shared(call, report);
			if (shared)
				look_at = shared_commit_run(slot, report->group_size, &hooks);
			session_commit_transaction();
		} while (report->end == WORK_STARTED);
	}
	PG_CATCH();
	{
		if (shared)
			undo_shared(context, report);
		else
			recorded = record_call_error(call, context, report);
	}
	PG_END_TRY();
	if (shared)
		look_again_at(look_at);
	if (!recorded)
	{
		report->end = WORK_LATER;
		report->later = loss_unrecorded(MyDatabaseId, call->queued.execution_id);
	}
	debug_query_string = NULL;
	MemoryContextSwitchTo(context);
}

/*
 * Give a call back to the group if another session has locked its proposal and the
 * call has a history, which only the pool knows: false if it may leave the pool.
 */
static bool
keep_call(const WorkReport *report)
{
	int64 delay = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), report->later);

	if (report->attempted || delay > LONGEST_KEEP || !group_call_has_history(&slot->call))
		return false;
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max(delay, 1),
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	pool_lock();
	group_add_call_locked(&pool->groups[slot->group], &slot->call);
	pool_unlock();
	return true;
}

/*
 * Run the call that this worker has taken, and those that share its transaction, and
 * tell whoever waits for them.  Returns how many these are.
 */
static int
run_taken_call(WorkerCall *call)
{
	WorkReport report;
	bool of_batch = slot->place.batch >= 0;

	Assert(slot->state == SLOT_BUSY);
	if (call->history.losses > 0)
		call->lost_to = loss_text(slot->database,
								  of_batch ? call->execution_id : call->queued.execution_id);

	run_call(call, &report);
	if (of_batch)
		batch_call_report(&slot->place, &report);
	else if (report.end != WORK_LATER)
		return shared_commit_end(slot);
	else if (!keep_call(&report))
		look_again_at(report.later);
	return 1;
}

/* Sleep until there may be something to do: false if the worker has been idle for too long. */
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

/* Take the slot that the launcher has set aside; end the process if it is not there any more. */
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

/*
 * Read what a call is going to read, while the transaction that queues it commits.  The
 * call itself meets the errors of that, and waits for the locks.
 */
static void
warm_up(const QueuedCall *call)
{
	int lock_timeout = LockTimeout;

	Assert(slot->state == SLOT_IDLE);
	LockTimeout = WARM_UP_LOCK_TIMEOUT;
	PG_TRY();
	{
		session_begin_transaction();
		if (work_is_possible())
			work_warm_up(call);
		session_commit_transaction();
	}
	PG_CATCH();
	{
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	LockTimeout = lock_timeout;
}

/* Do what there is to do, until the worker has to end or has nothing to do for long. */
static void
work_until_done(void)
{
	MemoryContext context = CurrentMemoryContext;
	int calls = 0;

	/* It is reset after each call. */
	Assert(context != TopMemoryContext);
	for (;;)
	{
		WorkerCall call;
		TimestampTz wake_at;

		ResetLatch(MyLatch);
		/* A cancel that arrives between two calls is for neither of them. */
		QueryCancelPending = false;
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (setting_worker_max_calls > 0 && calls >= setting_worker_max_calls)
			return;

		switch (next_choose(slot, turn_ends, &call, &wake_at))
		{
			case NEXT_CALL:
				calls += run_taken_call(&call);
				session_clean();
				/* Reports at most once a second, so that autovacuum learns what a busy worker does. */
				(void) pgstat_report_stat(false);
				release_call();
				MemoryContextSwitchTo(context);
				MemoryContextReset(context);
				break;
			case NEXT_ATTACH:
				(void) batch_call_attach(slot->database, slot->role);
				break;
			case NEXT_REFILL:
				refill_group(slot);
				break;
			case NEXT_WARM_UP:
				warm_up(&call.queued);
				MemoryContextSwitchTo(context);
				MemoryContextReset(context);
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

/*
 * How long this worker goes on taking calls while a role waits that has no worker.
 * Since each change costs a start, that is a multiple of what this start took, which is
 * long where many workers share few cores.
 */
static TimestampTz
end_of_turn(TimestampTz start_began)
{
	TimestampTz now = GetCurrentTimestamp();
	int64 turn = STARTS_IN_TURN * TimestampDifferenceMilliseconds(start_began, now);

	return TimestampTzPlusMilliseconds(now, Min(Max(turn, SHORTEST_TURN), LONGEST_TURN));
}

/* The main function of a worker; index is that of its slot. */
void
wfo_worker_main(Datum index)
{
	WorkerStart start;

	slot_index = DatumGetInt32(index);
	Assert(pool != NULL);
	Assert(slot_index >= 0 && slot_index < pool->nslots);
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

	pool_lock();
	turn_ends = end_of_turn(slot->since);
	slot->state = SLOT_IDLE;
	slot->since = GetCurrentTimestamp();
	pool->groups[slot->group].failed_starts = 0;
	pool->groups[slot->group].retry_start = 0;
	pool_unlock();
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, WORKER_TYPE,
												ALLOCSET_DEFAULT_SIZES));
	work_until_done();
	proc_exit(0);
}
