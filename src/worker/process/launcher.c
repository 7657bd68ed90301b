/*
 * launcher.c
 *	  Starts the background workers that are needed.
 *
 * The launcher is one process that starts with the server and is connected to no
 * database.  It starts workers as plan.c says, keepers as visit.c says and the
 * sealer as sealer_start.c says, and ends workers whose call goes on after it was
 * canceled.
 *
 * This file owns the loop, the starts of workers and the handles of these
 * processes.  It must not connect to a database or run anything there.
 */
#include "postgres.h"

#include <signal.h>

#include "base/compat.h"
#include "base/names.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/pool/refusal.h"
#include "worker/process/journal.h"
#include "worker/process/launcher.h"
#include "worker/process/plan.h"
#include "worker/process/process.h"
#include "worker/process/roles.h"
#include "worker/process/sealer.h"
#include "worker/process/visit.h"
#include "worker/process/worker.h"

#define LAUNCHER_TYPE "workflow_orch launcher"

/* Of each slot, the process that was started in it last. */
static BackgroundWorkerHandle **handles;

/* Register the launcher when the server starts. */
void
launcher_define(void)
{
	BackgroundWorker worker = {.bgw_flags = BGWORKER_SHMEM_ACCESS |
											BGWORKER_BACKEND_DATABASE_CONNECTION,
							   .bgw_start_time = BgWorkerStart_RecoveryFinished,
							   .bgw_restart_time = 1,
							   .bgw_name = LAUNCHER_TYPE,
							   .bgw_type = LAUNCHER_TYPE,
							   .bgw_library_name = WFO_NAME,
							   .bgw_function_name = "wfo_launcher_main"};

	if (!IsBinaryUpgrade)
		RegisterBackgroundWorker(&worker);
}

/* Free the slots of workers that ended before they could do so themselves. */
static void
reap(void)
{
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];

		if (handles[i] == NULL || !process_has_stopped(handles[i]))
			continue;
		pfree(handles[i]);
		handles[i] = NULL;
		pool_lock();
		if (slot->state == SLOT_STARTING && slot->pid == 0)
		{
			slot->state = SLOT_FREE;
			group_note_failed_start_locked(&pool->groups[slot->group]);
		}
		pool_unlock();
	}
}

/*
 * End the workers whose call goes on although it was canceled long enough ago;
 * until is set to when the next one is to end.
 */
static void
end_stubborn(TimestampTz *until)
{
	TimestampTz now = GetCurrentTimestamp();

	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];

		if (slot->state != SLOT_BUSY || slot->end_at == 0)
			continue;
		if (slot->end_at <= now)
		{
			slot->ended_hard = slot->place.batch >= 0;
			slot->terminated = true;
			slot->end_at = TimestampTzPlusMilliseconds(now, Max(setting_timeout_grace, 1000));
			(void) kill(slot->pid, SIGTERM);
		}
		if (*until == 0 || slot->end_at < *until)
			*until = slot->end_at;
	}
	pool_unlock();
}

/* Note that the server had no background worker slot for a worker. */
static void
note_failed_start(int index)
{
	PoolGroup *group = &pool->groups[pool->slots[index].group];

	pool_lock();
	pool->slots[index].state = SLOT_FREE;
	group_note_failed_start_locked(group);
	/* Other workers of the extension may have the slots. */
	plan_make_room_locked(group, ROOM_ANYWHERE, ROOM_FOR_FIRST_WORKER);
	pool_unlock();
	process_report_no_slot("Queued calls of workflow_orch wait for a background worker.");
}

/* A slot that is free, and whose last process has ended; -1 if there is none. */
static int
free_slot_locked(void)
{
	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
		if (pool->slots[i].state == SLOT_FREE && handles[i] == NULL)
			return i;
	return -1;
}

/* Give up the calls of a role that cannot connect; a keeper fails them. */
static void
refuse_start(int index)
{
	PoolGroup *group = &pool->groups[pool->slots[index].group];

	pool_lock();
	pool->slots[index].state = SLOT_FREE;
	group->failed_starts = Max(group->failed_starts, POOL_FAILED_STARTS - 1);
	group_note_failed_start_locked(group);
	pool_unlock();
}

/* Start the workers that are needed; until is set to when to look again, or 0. */
static void
start_workers(TimestampTz *until)
{
	for (;;)
	{
		WorkerStart start;
		int index;
		bool needed;

		pool_lock();
		index = free_slot_locked();
		needed = plan_start_locked(index, &start, until);
		pool_unlock();
		if (!needed)
			return;
		if (!roles_can_connect(start.database, start.role))
		{
			refuse_start(index);
			continue;
		}
		handles[index] = process_start(WORKER_TYPE, "wfo_worker_main", index, &start);
		if (handles[index] == NULL)
		{
			note_failed_start(index);
			*until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_EVERY);
			return;
		}
	}
}

/* Note in the pool that the launcher ends. */
static void
launcher_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	pool_lock();
	pool->launcher = NULL;
	pool_unlock();
	journal_note_complete(refusal_is_empty());
}

/* Take over what an earlier launcher or a crash has left. */
static void
take_over(void)
{
	bool first;

	pool_lock();
	pool->launcher = MyLatch;
	first = !pool->journal_read;
	pool->journal_read = true;
	if (pool->keeper.done)
		pool->keeper.database = InvalidOid;
	for (int i = 0; i < pool->nslots; i++)
		if (pool->slots[i].state == SLOT_STARTING && pool->slots[i].pid == 0)
			pool->slots[i].state = SLOT_FREE;
	pool_unlock();
	sealer_take_over();
	before_shmem_exit(launcher_exit, (Datum) 0);
	if (first)
		journal_read_crashes();
	else
	{
		journal_open();
		journal_note_complete(false);
	}
}

/* The main function of the launcher. */
void
wfo_launcher_main(Datum arg)
{
	uint32 event;
	TimestampTz next_poll = 0;

	(void) arg;
	Assert(pool != NULL);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	handles = MemoryContextAllocZero(TopMemoryContext,
									 pool->nslots * sizeof(BackgroundWorkerHandle *));
	event = compat_wait_event("WorkflowOrchLauncher");
	take_over();

	for (;;)
	{
		TimestampTz now;
		TimestampTz until = 0;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			plan_keep_limits();
			/* The interval between polls may have changed. */
			next_poll = 0;
		}
		now = GetCurrentTimestamp();
		reap();
		visit_reap();
		sealer_reap();
		if (visit_take_requests() || now >= next_poll)
		{
			visit_plan_all();
			roles_dismiss_workers();
			next_poll = TimestampTzPlusMilliseconds(now, setting_poll_interval);
		}
		else if (visit_next_retry() != 0 && now >= visit_next_retry())
			visit_plan_retries();
		visit_start_keeper();
		sealer_start(&until);
		start_workers(&until);
		end_stubborn(&until);
		if (until == 0 || next_poll < until)
			until = next_poll;
		if (visit_next_retry() != 0)
			until = Min(until, visit_next_retry());
		if (visit_waits())
			until = Min(until, TimestampTzPlusMilliseconds(now, RETRY_EVERY));
		now = GetCurrentTimestamp();
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max((until - now + 999) / 1000, 1), event);
	}
}
