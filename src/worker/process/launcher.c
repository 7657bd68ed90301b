/*
 * launcher.c
 *	  Starts the background workers that are needed.
 *
 * One process, started with the server, that is connected to no database.  It
 * starts a worker for each group that has calls and no idle worker, as far as
 * the limits go, has an idle or busy worker of another group make room where a
 * group has none, ends workers whose call goes on though it was cancelled, and
 * sends a keeper to each database at its start and then now and again.
 */
#include "postgres.h"

#include <signal.h>

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/names.h"
#include "base/settings.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "worker/pool/block.h"
#include "worker/pool/crash.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/process/journal.h"
#include "worker/process/keeper.h"
#include "worker/process/launcher.h"
#include "worker/process/roles.h"
#include "worker/process/visit.h"
#include "worker/process/worker.h"

#define LAUNCHER_TYPE "workflow_orch launcher"

/* How long the launcher sleeps at most while something waits to be tried again, in ms. */
#define RETRY_EVERY 100

/* After how long an idle worker makes room for a group that has others, in ms. */
#define IDLE_FOR_OTHERS 1000

/* Of each slot, what was started in it last. */
static BackgroundWorkerHandle **handles;
static BackgroundWorkerHandle *keeper_handle;

/* Databases to be visited, and those that were found without a queue. */
static List *to_visit = NIL;
static List *without_queue = NIL;

/* Define the launcher, as the server starts. */
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

static BackgroundWorkerHandle *
start_process(const char *type, const char *function, int index, const WorkerStart *start)
{
	BackgroundWorker worker = {.bgw_flags = BGWORKER_SHMEM_ACCESS |
											BGWORKER_BACKEND_DATABASE_CONNECTION,
							   .bgw_start_time = BgWorkerStart_RecoveryFinished,
							   .bgw_restart_time = BGW_NEVER_RESTART,
							   .bgw_library_name = WFO_NAME,
							   .bgw_main_arg = Int32GetDatum(index)};
	BackgroundWorkerHandle *handle = NULL;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_name, type, BGW_MAXLEN);
	strlcpy(worker.bgw_type, type, BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	memcpy(worker.bgw_extra, start, sizeof(WorkerStart));
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		handle = NULL;
	MemoryContextSwitchTo(old);
	return handle;
}

static bool
has_stopped(BackgroundWorkerHandle *handle)
{
	pid_t pid;

	return GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
}

/* Free the slots of workers that ended before they could do it themselves. */
static void
reap(void)
{
	for (int i = 0; i < pool->nslots; i++)
	{
		Slot *slot = &pool->slots[i];

		if (handles[i] == NULL || !has_stopped(handles[i]))
			continue;
		pfree(handles[i]);
		handles[i] = NULL;
		pool_lock();
		if (slot->state == SLOT_STARTING && slot->pid == 0)
		{
			slot->state = SLOT_FREE;
			pool_note_failed_start(&pool->groups[slot->group]);
		}
		pool_unlock();
	}
	if (keeper_handle != NULL && has_stopped(keeper_handle))
	{
		Keeper keeper;

		pfree(keeper_handle);
		keeper_handle = NULL;
		pool_lock();
		keeper = pool->keeper;
		pool->keeper.database = InvalidOid;
		pool_unlock();
		if (keeper.without_queue)
		{
			MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

			without_queue = list_append_unique_oid(without_queue, keeper.database);
			MemoryContextSwitchTo(old);
		}
		else
			without_queue = list_delete_oid(without_queue, keeper.database);
		if (keeper.finished)
			visit_succeeded(keeper.database);
		else
		{
			/* What asked for another meanwhile would fail as well. */
			to_visit = list_delete_oid(to_visit, keeper.database);
			visit_failed(keeper.database);
		}
	}
}

/* What the workers of a group can be counted by. */
typedef struct Census
{
	int used;      /* slots */
	int used_here; /* in the database of the group */
	int own;       /* of the group */
	int available; /* of those, that are idle or starting */
	int leaving;   /* slots of idle workers that were asked to make room */
} Census;

static void
count_workers(const PoolGroup *group, Census *census)
{
	memset(census, 0, sizeof(Census));
	for (int i = 0; i < pool->nslots; i++)
	{
		const Slot *slot = &pool->slots[i];

		if (slot->state == SLOT_FREE)
			continue;
		census->used++;
		census->used_here += slot->database == group->database;
		census->leaving += slot->evict && slot->state == SLOT_IDLE;
		if (slot->database != group->database || slot->role != group->role || slot->evict)
			continue;
		census->own++;
		census->available += slot->state != SLOT_BUSY;
	}
}

/* How many workers the group could use right now. */
static int
demand(PoolGroup *group, TimestampTz now)
{
	if (group->next_due != 0 && group->next_due <= now)
	{
		group->next_due = 0;
		group->incomplete = true;
		group->bounded = false;
		pool_wake(group, 1);
	}
	return group->ntasks + (group->incomplete && !group->filling ? 1 : 0) +
		   pool_waiting_in_batches(group);
}

static bool
is_unused(const PoolGroup *group)
{
	if (group->ntasks > 0 || group->incomplete || group->filling || group->next_due != 0)
		return false;
	for (int i = 0; i < pool->nslots; i++)
		if (pool->slots[i].state != SLOT_FREE && pool->slots[i].database == group->database &&
			pool->slots[i].role == group->role)
			return false;
	for (int i = 0; i < POOL_BATCHES; i++)
		if (pool->batches[i].used && pool->batches[i].database == group->database)
			return false;
	return true;
}

/* Have a worker end, once it is done with its call. */
static void
ask_to_leave(Slot *slot)
{
	slot->evict = true;
	if (slot->latch != NULL)
		SetLatch(slot->latch);
}

/*
 * Have a worker of another group make room: an idle one, of the group that has
 * the most, or else the first that is done with its call and its turn.  For a
 * group that has a worker only one that has been idle for a while does.
 */
static void
make_room(PoolGroup *group, bool in_database, bool has_worker)
{
	TimestampTz now = GetCurrentTimestamp();
	Slot *victim = NULL;
	int most = 0;

	for (int i = 0; i < pool->nslots; i++)
	{
		Slot *slot = &pool->slots[i];
		Census census;

		if (slot->state != SLOT_IDLE || slot->evict || &pool->groups[slot->group] == group ||
			(in_database && slot->database != group->database) ||
			(has_worker && now < TimestampTzPlusMilliseconds(slot->since, IDLE_FOR_OTHERS)))
			continue;
		count_workers(&pool->groups[slot->group], &census);
		if (census.own > most)
		{
			most = census.own;
			victim = slot;
		}
	}
	if (victim != NULL)
		ask_to_leave(victim);
	else if (!has_worker)
	{
		group->wants_room = true;
		group->wants_room_here = in_database;
		pool->room_wanted = true;
	}
}

/* Whether there are more workers than the limits allow, for this one to leave. */
static bool
is_surplus(const Slot *slot)
{
	int used = 0;
	int used_here = 0;

	for (int i = 0; i < pool->nslots; i++)
	{
		const Slot *other = &pool->slots[i];

		if (other->state == SLOT_FREE || other->evict)
			continue;
		used++;
		used_here += other->database == slot->database;
	}
	return used > setting_max_workers ||
		   (setting_max_workers_per_database > 0 && used_here > setting_max_workers_per_database);
}

/* Have workers leave that a lowered limit does not allow any more: idle ones first. */
static void
keep_limits(void)
{
	pool_lock();
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < pool->nslots; i++)
		{
			Slot *slot = &pool->slots[i];

			if (slot->state == SLOT_FREE || slot->evict ||
				(pass == 0 && slot->state != SLOT_IDLE) || !is_surplus(slot))
				continue;
			ask_to_leave(slot);
		}
	pool_unlock();
}

/*
 * End the workers whose call goes on though it was cancelled long enough ago;
 * until is when the next one is due.
 */
static void
end_stubborn(TimestampTz *until)
{
	TimestampTz now = GetCurrentTimestamp();

	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		Slot *slot = &pool->slots[i];

		if (slot->state != SLOT_BUSY || slot->end_at == 0)
			continue;
		if (slot->end_at <= now)
		{
			slot->ended_hard = slot->batch >= 0;
			slot->terminated = true;
			slot->end_at = TimestampTzPlusMilliseconds(now, Max(setting_timeout_grace, 1000));
			(void) kill(slot->pid, SIGTERM);
		}
		if (*until == 0 || slot->end_at < *until)
			*until = slot->end_at;
	}
	pool_unlock();
}

static int
free_slot(void)
{
	for (int i = 0; i < pool->nslots; i++)
		if (pool->slots[i].state == SLOT_FREE && handles[i] == NULL)
			return i;
	return -1;
}

/* Whether a worker may be started for the group; false where it must wait. */
static bool
may_start(PoolGroup *group, const Census *census)
{
	bool full = census->used >= setting_max_workers;
	bool full_here = setting_max_workers_per_database > 0 &&
					 census->used_here >= setting_max_workers_per_database;

	if (!full && !full_here)
		return true;
	if (setting_max_workers == 0)
		group->failed_starts = POOL_FAILED_STARTS;
	else if (census->leaving == 0)
		make_room(group, full_here, census->own > 0);
	return false;
}

/*
 * Find a group that needs a worker, the one that has waited longest first, and
 * set a slot aside for it: returns that, or -1.  until is when to try again.
 */
static int
plan_start(WorkerStart *start, TimestampTz *until)
{
	TimestampTz now = GetCurrentTimestamp();
	PoolGroup *chosen = NULL;
	bool chosen_has_worker = false;
	int index;

	if (pool->visit_all_at != 0 && (*until == 0 || pool->visit_all_at < *until))
		*until = pool->visit_all_at;
	for (int i = 0; i < POOL_GROUPS; i++)
	{
		PoolGroup *group = &pool->groups[i];
		Census census;
		int missing;

		if (!OidIsValid(group->database))
			continue;
		count_workers(group, &census);
		missing = demand(group, now) - census.available;
		if (group->next_due != 0 && (*until == 0 || group->next_due < *until))
			*until = group->next_due;
		if (missing <= 0)
		{
			group->waiting_since = 0;
			group->wants_room = false;
			if (is_unused(group))
				group->database = InvalidOid;
			continue;
		}
		if (group->waiting_since == 0)
			group->waiting_since = now;
		if (pool_is_blocked(group->database) || pool_has_crashed(group->database) ||
			group->retry_start > now || !may_start(group, &census))
		{
			TimestampTz again = TimestampTzPlusMilliseconds(now, RETRY_EVERY);

			if (*until == 0 || again < *until)
				*until = again;
			continue;
		}
		/* A group without any worker goes first, then the one that waits longest. */
		if (chosen == NULL || (census.own == 0 && chosen_has_worker) ||
			((census.own > 0) == chosen_has_worker && group->waiting_since < chosen->waiting_since))
		{
			chosen = group;
			chosen_has_worker = census.own > 0;
		}
	}
	index = chosen != NULL ? free_slot() : -1;
	if (index >= 0)
	{
		Slot *slot = &pool->slots[index];
		uint64 generation = ++pool->generations;

		memset(slot, 0, sizeof(Slot));
		slot->state = SLOT_STARTING;
		slot->generation = generation;
		slot->group = (int) (chosen - pool->groups);
		slot->database = start->database = chosen->database;
		slot->role = start->role = chosen->role;
		slot->batch = -1;
		slot->since = now;
		start->generation = generation;
		chosen->waiting_since = 0;
		chosen->wants_room = false;
		chosen->retry_start = 0;
	}
	return index;
}

static void
note_failed_start(int index)
{
	static TimestampTz reported = 0;
	TimestampTz now = GetCurrentTimestamp();
	PoolGroup *group = &pool->groups[pool->slots[index].group];

	pool_lock();
	pool->slots[index].state = SLOT_FREE;
	pool_note_failed_start(group);
	/* Other workers of ours may have the slots that there are. */
	make_room(group, false, false);
	pool_unlock();
	if (now - reported < 60 * USECS_PER_SEC)
		return;
	reported = now;
	ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					  errmsg("out of background worker slots"),
					  errdetail("Calls of workflow_orch wait for one."),
					  errhint("You might need to increase max_worker_processes, or lower "
							  "workflow_orch.max_workers.")));
}

/* No worker can connect as the role: give its calls up, to a keeper. */
static void
refuse_start(int index)
{
	PoolGroup *group = &pool->groups[pool->slots[index].group];

	pool_lock();
	pool->slots[index].state = SLOT_FREE;
	group->failed_starts = Max(group->failed_starts, POOL_FAILED_STARTS - 1);
	pool_note_failed_start(group);
	pool_unlock();
}

/* Start the workers that are needed; until is when to look again, or 0. */
static void
start_workers(TimestampTz *until)
{
	for (;;)
	{
		WorkerStart start;
		int index;

		pool_lock();
		index = plan_start(&start, until);
		pool_unlock();
		if (index < 0)
			return;
		if (!roles_can_connect(start.database, start.role))
		{
			refuse_start(index);
			continue;
		}
		handles[index] = start_process(WORKER_TYPE, "wfo_worker_main", index, &start);
		if (handles[index] == NULL)
		{
			note_failed_start(index);
			*until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_EVERY);
			return;
		}
	}
}

/*
 * Read which databases there are, and forget those that are no more.  Those
 * that have a queue, as far as is known, are to be visited: all of them, or
 * else those whose visit has failed.
 */
static void
list_databases(bool all)
{
	Relation rel;
	TableScanDesc scan;
	HeapTuple tuple;
	List *there = NIL;
	MemoryContext old;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		old = MemoryContextSwitchTo(TopMemoryContext);
		there = lappend_oid(there, database->oid);
		if (database->datallowconn && !database->datistemplate &&
			visit_is_due(database->oid, all && !list_member_oid(without_queue, database->oid)))
			to_visit = list_append_unique_oid(to_visit, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	visit_forget_others(there);

	pool_lock();
	for (int i = 0; i < POOL_GROUPS; i++)
		if (OidIsValid(pool->groups[i].database) &&
			!list_member_oid(there, pool->groups[i].database))
		{
			pool_forget_tasks(&pool->groups[i]);
			pool->groups[i].filling = false;
		}
	for (int i = pool->ncrashes - 1; i >= 0; i--)
		if (!list_member_oid(there, pool->crashes[i].database))
			pool->crashes[i] = pool->crashes[--pool->ncrashes];
	pool_unlock();
	list_free(there);
}

/* Take over what others asked for. */
static bool
take_requests(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	bool all;
	bool roles;
	int nvisits;
	Oid visits[POOL_VISITS];

	pool_lock();
	all = pool->visit_all ||
		  (pool->visit_all_at != 0 && pool->visit_all_at <= GetCurrentTimestamp());
	if (all)
		pool->visit_all_at = 0;
	roles = pool->check_roles;
	pool->check_roles = false;
	nvisits = pool->nvisits;
	memcpy(visits, pool->visits, nvisits * sizeof(Oid));
	pool->visit_all = false;
	pool->nvisits = 0;
	pool_unlock();
	for (int i = 0; i < nvisits; i++)
	{
		to_visit = list_append_unique_oid(to_visit, visits[i]);
		without_queue = list_delete_oid(without_queue, visits[i]);
	}
	MemoryContextSwitchTo(old);
	if (roles)
		roles_dismiss_workers();
	return all;
}

/* Send a keeper to the next database; one at a time. */
static void
start_keeper(void)
{
	WorkerStart start = {0};
	bool blocked;

	if (keeper_handle != NULL || to_visit == NIL)
		return;
	start.database = linitial_oid(to_visit);
	to_visit = list_delete_first(to_visit);
	pool_lock();
	blocked = pool_is_blocked(start.database);
	if (!blocked)
	{
		pool->keeper.database = start.database;
		pool->keeper.done = false;
		pool->keeper.finished = false;
		pool->keeper.without_queue = false;
	}
	pool_unlock();
	if (blocked)
	{
		visit_failed(start.database);
		return;
	}
	keeper_handle = start_process(KEEPER_TYPE, "wfo_keeper_main", 0, &start);
	if (keeper_handle == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		to_visit = list_append_unique_oid(to_visit, start.database);
		MemoryContextSwitchTo(old);
		pool_lock();
		pool->keeper.database = InvalidOid;
		pool_unlock();
	}
}

static void
launcher_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	pool_lock();
	pool->launcher = NULL;
	pool_unlock();
}

/* Take up what a launcher before this one has left, and what a crash has. */
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
	before_shmem_exit(launcher_exit, (Datum) 0);
	if (first)
		journal_read_crashes();
}

void
wfo_launcher_main(Datum arg)
{
	uint32 event;
	TimestampTz next_poll = 0;

	(void) arg;
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
			keep_limits();
			/* The time of the next poll was that of another interval. */
			next_poll = 0;
		}
		now = GetCurrentTimestamp();
		reap();
		if (take_requests() || now >= next_poll)
		{
			list_databases(true);
			roles_dismiss_workers();
			next_poll = TimestampTzPlusMilliseconds(now, setting_poll_interval);
		}
		else if (visit_next_retry() != 0 && now >= visit_next_retry())
			list_databases(false);
		start_keeper();
		start_workers(&until);
		end_stubborn(&until);
		if (until == 0 || next_poll < until)
			until = next_poll;
		if (visit_next_retry() != 0)
			until = Min(until, visit_next_retry());
		if (to_visit != NIL && keeper_handle == NULL)
			until = Min(until, TimestampTzPlusMilliseconds(now, RETRY_EVERY));
		now = GetCurrentTimestamp();
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max((until - now + 999) / 1000, 1), event);
	}
}
