/*
 * pool.c
 *	  The pool of background workers in shared memory.
 *
 * See pool.h.  This file has what more than one of launcher, workers, callers
 * and waiters does with it.
 */
#include "postgres.h"

#include <signal.h>

#include "base/names.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
#include "worker/pool/pool.h"

/* How long to wait after a worker could not be started, in ms; doubles up to 64 times. */
#define FAILED_START_DELAY 250

/* How long a worker may take calls while a role waits for a worker, in ms. */
#define TURN 100

Pool *pool = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static Size
pool_size(void)
{
	Size size = add_size(offsetof(Pool, slots), mul_size(max_worker_processes, sizeof(Slot)));

	return add_size(MAXALIGN(size), mul_size(max_worker_processes, sizeof(Crash)));
}

static void
request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(pool_size());
	RequestNamedLWLockTranche(WFO_NAME, 1);
}

static void
set_up_memory(void)
{
	bool found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	pool = ShmemInitStruct(WFO_NAME, pool_size(), &found);
	if (!found)
	{
		memset(pool, 0, pool_size());
		pool->lock = &GetNamedLWLockTranche(WFO_NAME)->lock;
		pool->nslots = max_worker_processes;
		pool->crashes = (Crash *) ((char *) pool + MAXALIGN(offsetof(Pool, slots) +
															max_worker_processes * sizeof(Slot)));
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Have the server set up the pool at its start. */
void
pool_define(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = set_up_memory;
}

void
pool_lock(void)
{
	LWLockAcquire(pool->lock, LW_EXCLUSIVE);
}

/* Workers to be woken when the lock is free: they take it first of all. */
static Latch *to_wake[64];
static int nto_wake = 0;

void
pool_unlock(void)
{
	LWLockRelease(pool->lock);
	while (nto_wake > 0)
		SetLatch(to_wake[--nto_wake]);
}

void
pool_wake_launcher(void)
{
	if (pool->launcher != NULL)
		SetLatch(pool->launcher);
}

/* Whether a group has nothing but a time at which its calls are due. */
static bool
only_waits(const PoolGroup *group)
{
	if (group->ntasks > 0 || group->incomplete || group->filling)
		return false;
	for (int i = 0; i < pool->nslots; i++)
		if (pool->slots[i].state != SLOT_FREE && &pool->groups[pool->slots[i].group] == group)
			return false;
	for (int i = 0; i < POOL_BATCHES; i++)
		if (pool->batches[i].used && pool->batches[i].database == group->database)
			return false;
	return true;
}

/*
 * Make room for another group: of those that only wait for a time, the one that
 * waits longest goes, and keepers look for its calls then.
 */
static PoolGroup *
displace_group(void)
{
	PoolGroup *victim = NULL;

	for (int i = 0; i < POOL_GROUPS; i++)
	{
		PoolGroup *group = &pool->groups[i];

		if (only_waits(group) && (victim == NULL || group->next_due > victim->next_due))
			victim = group;
	}
	if (victim != NULL && victim->next_due != 0 &&
		(pool->visit_all_at == 0 || victim->next_due < pool->visit_all_at))
	{
		pool->visit_all_at = victim->next_due;
		pool_wake_launcher();
	}
	return victim;
}

/* The group of a database and role; NULL where there is none, or no room for one. */
PoolGroup *
pool_group(Oid database, Oid role, bool create)
{
	PoolGroup *unused = NULL;

	for (int i = 0; i < POOL_GROUPS; i++)
	{
		PoolGroup *group = &pool->groups[i];

		if (group->database == database && group->role == role)
			return group;
		if (!OidIsValid(group->database) && unused == NULL)
			unused = group;
	}
	if (create && unused == NULL)
		unused = displace_group();
	if (!create || unused == NULL)
		return NULL;
	memset(unused, 0, sizeof(PoolGroup));
	unused->database = database;
	unused->role = role;
	return unused;
}

/* How many calls of batches wait for a worker of the group. */
int
pool_waiting_in_batches(const PoolGroup *group)
{
	int waiting = 0;

	if (pool->nbatches == 0)
		return 0;
	for (int i = 0; i < POOL_BATCHES; i++)
	{
		const BatchSlot *batch = &pool->batches[i];

		if (!batch->used || batch->database != group->database)
			continue;
		for (int j = 0; j < batch->nroles; j++)
			if (batch->roles[j] == group->role)
				waiting += batch->waiting[j];
	}
	return waiting;
}

/*
 * Whether a worker of this group, which takes calls since a time, is to end, so
 * that one of a group that has none can start in its place: whichever is done
 * with its call first, and has had its turn, since each change costs a start.
 */
bool
pool_must_make_room(const PoolGroup *own, TimestampTz since)
{
	bool wanted = false;

	if (!pool->room_wanted || GetCurrentTimestamp() < TimestampTzPlusMilliseconds(since, TURN))
		return false;
	for (int i = 0; i < POOL_GROUPS; i++)
	{
		PoolGroup *group = &pool->groups[i];

		if (!OidIsValid(group->database) || !group->wants_room)
			continue;
		wanted = true;
		if (group == own || (group->wants_room_here && group->database != own->database))
			continue;
		group->wants_room = false;
		return true;
	}
	pool->room_wanted = wanted;
	return false;
}

/* Leave the calls of a group to the next look through the queue. */
void
pool_forget_tasks(PoolGroup *group)
{
	group->ntasks = 0;
	group->incomplete = false;
	group->next_due = 0;
}

/* Whether a runs before b: negative, or after it: positive. */
static int
compare_calls(const QueuedCall *a, const QueuedCall *b)
{
	if (a->suspect != b->suspect)
		return a->suspect ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->due_at != b->due_at)
		return a->due_at < b->due_at ? -1 : 1;
	return (a->execution_id > b->execution_id) - (a->execution_id < b->execution_id);
}

/* Leave a call, and all that come after it, to the next look through the queue. */
static void
leave_to_queue(PoolGroup *group, const QueuedCall *call)
{
	if (!group->incomplete || !group->bounded || compare_calls(call, &group->bound) < 0)
		group->bound = *call;
	group->incomplete = true;
	group->bounded = true;
}

/* The worker that has a queued call, be it that the tool is not called yet. */
static Slot *
find_taken(Oid database, int64 execution_id)
{
	for (int i = 0; i < pool->nslots; i++)
	{
		Slot *slot = &pool->slots[i];

		if (slot->state == SLOT_BUSY && slot->database == database &&
			(slot->execution_id == execution_id ||
			 (slot->batch < 0 && slot->task.call.execution_id == execution_id)))
			return slot;
	}
	return NULL;
}

/* Whether a worker of the group has this call. */
bool
pool_has_taken(const PoolGroup *group, int64 execution_id)
{
	return find_taken(group->database, execution_id) != NULL;
}

/* Add a due call to its group, once. */
void
pool_add_task(PoolGroup *group, const Task *task)
{
	int low = 0;
	int high = group->ntasks;

	if (group->incomplete && group->bounded && compare_calls(&task->call, &group->bound) >= 0)
		return;
	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = compare_calls(&task->call, &group->tasks[middle].call);

		if (order == 0)
		{
			Task *known = &group->tasks[middle];

			known->losses = Max(known->losses, task->losses);
			known->timed_out |= task->timed_out;
			known->started_at = Max(known->started_at, task->started_at);
			return;
		}
		if (order > 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (group->ntasks == POOL_TASKS)
	{
		if (low == 0)
		{
			leave_to_queue(group, &task->call);
			return;
		}
		leave_to_queue(group, &group->tasks[0].call);
		memmove(&group->tasks[0], &group->tasks[1], (low - 1) * sizeof(Task));
		group->tasks[low - 1] = *task;
		return;
	}
	memmove(&group->tasks[low + 1], &group->tasks[low], (group->ntasks - low) * sizeof(Task));
	group->tasks[low] = *task;
	group->ntasks++;
}

/* Wake idle workers of the group for this many calls, and the launcher for the rest. */
void
pool_wake(PoolGroup *group, int count)
{
	int used = 0;

	for (int i = 0; i < pool->nslots; i++)
	{
		Slot *slot = &pool->slots[i];

		used += slot->state != SLOT_FREE;
		if (count > 0 && slot->state == SLOT_IDLE && !slot->woken && !slot->evict &&
			slot->database == group->database && slot->role == group->role)
		{
			slot->woken = true;
			if (nto_wake < (int) lengthof(to_wake))
				to_wake[nto_wake++] = slot->latch;
			else
				SetLatch(slot->latch);
			count--;
		}
	}
	if (count > 0)
		pool_wake_launcher();
}

/*
 * Tell the pool of calls that were committed.  Called after a commit: it must
 * not fail.
 */
void
pool_announce(Oid database, Oid role, const QueuedCall *calls, int count)
{
	PoolGroup *group;
	TimestampTz now = GetCurrentTimestamp();
	int due = 0;

	pool_lock();
	group = pool_group(database, role, true);
	if (group == NULL)
		pool_request_visit_locked(database);
	for (int i = 0; group != NULL && i < count; i++)
	{
		Task task = {.call = calls[i]};

		if (calls[i].due_at <= now)
		{
			pool_add_task(group, &task);
			due++;
		}
		else if (group->next_due == 0 || calls[i].due_at < group->next_due)
		{
			group->next_due = calls[i].due_at;
			pool_wake_launcher();
		}
	}
	if (group != NULL && due > 0)
		pool_wake(group, due);
	pool_unlock();
}

/*
 * A worker for the group could not be started: wait longer and longer before
 * the next, and have a keeper see whether the role can connect at all.
 */
void
pool_note_failed_start(PoolGroup *group)
{
	int64 delay = (int64) FAILED_START_DELAY << Min(group->failed_starts, 6);

	group->failed_starts++;
	/* If these calls can still run, that keeper finds them in the queue. */
	if (group->failed_starts >= POOL_FAILED_STARTS)
		pool_forget_tasks(group);
	group->retry_start = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay);
	pool_request_visit_locked(group->database);
}

/* Have a keeper look through the queue of a database. */
void
pool_request_visit_locked(Oid database)
{
	pool_wake_launcher();
	for (int i = 0; i < pool->nvisits; i++)
		if (pool->visits[i] == database)
			return;
	if (pool->nvisits == POOL_VISITS)
		pool->visit_all = true;
	else
		pool->visits[pool->nvisits++] = database;
}

void
pool_request_visit(Oid database)
{
	pool_lock();
	pool_request_visit_locked(database);
	pool_unlock();
}

/* Have the launcher look which roles can connect: one was dropped or changed. */
void
pool_check_roles(void)
{
	if (pool == NULL)
		return;
	pool_lock();
	pool->check_roles = true;
	pool_wake_launcher();
	pool_unlock();
}

/* Whether no worker is to be in the database, since somebody drops or copies it. */
bool
pool_is_blocked(Oid database)
{
	for (int i = 0; i < POOL_BLOCKS; i++)
		if (pool->blocks[i].pid != 0 && pool->blocks[i].database == database)
			return true;
	return false;
}

/* Whether calls of the database ran at a crash, and that is not written down yet. */
bool
pool_has_crashed(Oid database)
{
	for (int i = 0; i < pool->ncrashes; i++)
		if (pool->crashes[i].database == database)
			return true;
	return false;
}

static bool
has_idle_process(Oid database)
{
	for (int i = 0; i < pool->nslots; i++)
	{
		const Slot *slot = &pool->slots[i];

		if (slot->database == database &&
			(slot->state == SLOT_STARTING || slot->state == SLOT_IDLE))
			return true;
	}
	return pool->keeper.database == database;
}

/*
 * Keep workers out of a database until pool_unblock_databases, and wait until
 * the idle ones have left.  A busy one is like any other connection.
 */
void
pool_block_database(Oid database)
{
	bool blocked = false;

	pool_lock();
	for (int i = 0; i < POOL_BLOCKS && !blocked; i++)
	{
		/* What a process that has ended left behind is free again. */
		if (pool->blocks[i].pid != 0 && BackendPidGetProc(pool->blocks[i].pid) != NULL)
			continue;
		pool->blocks[i].database = database;
		pool->blocks[i].pid = MyProcPid;
		blocked = true;
	}
	for (int i = 0; i < pool->nslots; i++)
	{
		Slot *slot = &pool->slots[i];

		if (slot->state == SLOT_FREE || slot->database != database)
			continue;
		slot->evict = true;
		if (slot->latch != NULL)
			SetLatch(slot->latch);
	}
	pool_unlock();

	/* The server itself waits 5 s for what is left. */
	for (int i = 0; blocked && i < 200; i++)
	{
		bool any;

		pool_lock();
		any = has_idle_process(database);
		pool_unlock();
		if (!any)
			break;
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* Let workers into the databases that this process has blocked. */
void
pool_unblock_databases(void)
{
	pool_lock();
	for (int i = 0; i < POOL_BLOCKS; i++)
		if (pool->blocks[i].pid == MyProcPid)
			pool->blocks[i].pid = 0;
	pool_wake_launcher();
	pool_unlock();
}

/* The database is no more: nothing is to be started there. */
void
pool_forget_database(Oid database)
{
	pool_lock();
	for (int i = 0; i < POOL_GROUPS; i++)
		if (pool->groups[i].database == database)
			pool_forget_tasks(&pool->groups[i]);
	pool_unlock();
}

/* Whether a worker of this database has a queued call. */
bool
pool_has_execution(int64 execution_id)
{
	bool found;

	if (pool == NULL)
		return false;
	pool_lock();
	found = find_taken(MyDatabaseId, execution_id) != NULL;
	pool_unlock();
	return found;
}

/*
 * Cancel what a busy worker runs.  If that goes on, the launcher ends the
 * worker timeout_grace later.
 */
void
pool_interrupt_locked(Slot *slot)
{
	if (slot->end_at == 0)
	{
		slot->end_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), setting_timeout_grace);
		pool_wake_launcher();
	}
	(void) kill(slot->pid, SIGINT);
}

/*
 * Tell the worker that has a queued call of a committed request to cancel it.
 * Called after a commit: it must not fail.  A worker that takes the call later
 * reads the request itself.
 */
void
pool_cancel(Oid database, int64 execution_id)
{
	Slot *slot;

	if (pool == NULL)
		return;
	pool_lock();
	slot = find_taken(database, execution_id);
	if (slot != NULL)
		pool_interrupt_locked(slot);
	pool_unlock();
}

/* Cancel the call of a worker as a deadlock, if it still runs the one that was seen. */
void
pool_cancel_deadlock(int index, const Slot *seen)
{
	Slot *slot = &pool->slots[index];

	pool_lock();
	if (slot->state == SLOT_BUSY && slot->generation == seen->generation &&
		slot->since == seen->since && slot->execution_id != 0)
	{
		slot->cancelled = true;
		slot->deadlock = true;
		slot->reason[0] = '\0';
		pool_interrupt_locked(slot);
	}
	pool_unlock();
}

/*
 * The calls of the database that ran at a crash: their executions, into an array
 * of nslots.  The launcher moves what stands in the pool, so a walk through it
 * does not outlast the lock.
 */
int
pool_list_crashes(Oid database, int64 *executions)
{
	int count = 0;

	pool_lock();
	for (int i = 0; i < pool->ncrashes; i++)
		if (pool->crashes[i].database == database)
			executions[count++] = pool->crashes[i].execution_id;
	pool_unlock();
	return count;
}

void
pool_forget_crashes(Oid database)
{
	pool_lock();
	for (int i = pool->ncrashes - 1; i >= 0; i--)
		if (pool->crashes[i].database == database)
			pool->crashes[i] = pool->crashes[--pool->ncrashes];
	pool_unlock();
}
