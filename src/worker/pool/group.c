/*
 * group.c
 *	  The workers of one role in one database, and the calls that are due for them.
 *
 * A group has the first of its due calls, in order; what it has no room for is
 * left to the next look through the queue.  This file owns a group's list of
 * calls and its times; it starts and ends no process, and reads no table.
 */
#include "postgres.h"

#include "utils/timestamp.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"

/* How long to wait after a worker could not be started, in ms; doubles up to 64 times. */
#define FAILED_START_DELAY 250

/* How long a worker may take calls while a role waits for a worker, in ms. */
#define TURN 100

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
			pool_wake_at_unlock(slot->latch);
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
