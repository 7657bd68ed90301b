/*
 * plan.c
 *	  Which workers to start next, and which ones to end for them.
 *
 * A group that has calls and no idle worker gets another worker.  If the limits do
 * not allow that, a worker of another group makes room.
 *
 * This file owns these decisions, for the launcher.  It sets slots aside and asks
 * workers to leave, all while the pool's lock is held; it starts and ends no
 * process.
 */
#include "postgres.h"

#include "base/settings.h"
#include "utils/timestamp.h"
#include "worker/pool/block.h"
#include "worker/pool/crash.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/process/plan.h"
#include "worker/process/process.h"

/* How long a worker must be idle to make room for a group that has other workers, in ms. */
#define IDLE_FOR_OTHERS 1000

/* How many workers there are, as seen from a group. */
typedef struct Census
{
	int used;      /* slots that are in use */
	int used_here; /* of these, slots in the database of the group */
	int own;       /* workers of the group */
	int available; /* of these, workers that are idle or starting */
	int leaving;   /* idle workers, of any group, that were asked to leave */
} Census;

static void
count_workers_locked(const PoolGroup *group, Census *census)
{
	Assert(pool_is_locked());
	memset(census, 0, sizeof(Census));
	for (int i = 0; i < pool->nslots; i++)
	{
		const WorkerSlot *slot = &pool->slots[i];

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

/* How many idle workers the group could use right now. */
static int
demand_locked(PoolGroup *group, TimestampTz now)
{
	Assert(pool_is_locked());
	if (group->next_due != 0 && group->next_due <= now)
	{
		group->next_due = 0;
		group_look_now_locked(group);
	}
	return group->ncalls + (group->incomplete && !group->filling ? 1 : 0) +
		   group_waiting_in_batches_locked(group);
}

/* Whether nothing needs the place of the group in the pool. */
static bool
group_is_unused_locked(const PoolGroup *group)
{
	Assert(pool_is_locked());
	if (group->ncalls > 0 || group->incomplete || group->filling || group->next_due != 0)
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

/*
 * Have a worker of another group make room.  That is an idle worker of the group
 * that has the most, or else the first worker that finishes its call and its turn.
 * For the sake of another worker of a group that has one already, only a worker
 * that has been idle for a while leaves.
 */
void
plan_make_room_locked(PoolGroup *group, RoomScope scope, RoomPurpose purpose)
{
	TimestampTz now = GetCurrentTimestamp();
	WorkerSlot *victim = NULL;
	int most = 0;

	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];
		Census census;

		if (slot->state != SLOT_IDLE || slot->evict || &pool->groups[slot->group] == group ||
			(scope == ROOM_IN_DATABASE && slot->database != group->database) ||
			(purpose == ROOM_FOR_ANOTHER_WORKER &&
			 now < TimestampTzPlusMilliseconds(slot->since, IDLE_FOR_OTHERS)))
			continue;
		count_workers_locked(&pool->groups[slot->group], &census);
		if (census.own > most)
		{
			most = census.own;
			victim = slot;
		}
	}
	if (victim != NULL)
		pool_evict_locked(victim);
	else if (purpose == ROOM_FOR_FIRST_WORKER)
	{
		group->wants_room = true;
		group->wants_room_here = scope == ROOM_IN_DATABASE;
		pool->room_wanted = true;
	}
}

/* Whether a worker must leave because there are more workers than the limits allow. */
static bool
is_surplus_locked(const WorkerSlot *slot)
{
	int used = 0;
	int used_here = 0;

	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
	{
		const WorkerSlot *other = &pool->slots[i];

		if (other->state == SLOT_FREE || other->evict)
			continue;
		used++;
		used_here += other->database == slot->database;
	}
	return used > setting_max_workers ||
		   (setting_max_workers_per_database > 0 && used_here > setting_max_workers_per_database);
}

/* Have the workers leave that a lowered limit does not allow any more, idle ones first. */
void
plan_keep_limits(void)
{
	pool_lock();
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < pool->nslots; i++)
		{
			WorkerSlot *slot = &pool->slots[i];

			if (slot->state == SLOT_FREE || slot->evict ||
				(pass == 0 && slot->state != SLOT_IDLE) || !is_surplus_locked(slot))
				continue;
			pool_evict_locked(slot);
		}
	pool_unlock();
}

/* Whether the limits allow a worker of the group to start; if not, has another one make room. */
static bool
may_start_locked(PoolGroup *group, const Census *census)
{
	bool full = census->used >= setting_max_workers;
	bool full_here = setting_max_workers_per_database > 0 &&
					 census->used_here >= setting_max_workers_per_database;

	Assert(pool_is_locked());
	if (!full && !full_here)
		return true;
	if (setting_max_workers == 0)
		group->failed_starts = POOL_FAILED_STARTS;
	else if (census->leaving == 0)
		plan_make_room_locked(group, full_here ? ROOM_IN_DATABASE : ROOM_ANYWHERE,
							  census->own > 0 ? ROOM_FOR_ANOTHER_WORKER : ROOM_FOR_FIRST_WORKER);
	return false;
}

/* Set a slot aside for a worker of a group. */
static void
set_slot_aside_locked(PoolGroup *group, int index, WorkerStart *start)
{
	WorkerSlot *slot = &pool->slots[index];

	Assert(pool_is_locked());
	Assert(slot->state == SLOT_FREE);
	memset(slot, 0, sizeof(WorkerSlot));
	slot->state = SLOT_STARTING;
	slot->generation = start->generation = ++pool->generations;
	slot->group = (int) (group - pool->groups);
	slot->database = start->database = group->database;
	slot->role = start->role = group->role;
	slot->place.batch = -1;
	slot->since = GetCurrentTimestamp();
	group->waiting_since = 0;
	group->wants_room = false;
	group->retry_start = 0;
}

/* Set *until to a time, unless it is earlier already; 0 is never. */
static void
look_again_until(TimestampTz *until, TimestampTz at)
{
	if (*until == 0 || at < *until)
		*until = at;
}

/*
 * Whether a worker is to be started for a group now.  Also notes since when the
 * group has waited for one; until is when to look at it again.
 */
static bool
needs_start_locked(PoolGroup *group, TimestampTz now, Census *census, TimestampTz *until)
{
	int missing;

	Assert(pool_is_locked());
	count_workers_locked(group, census);
	missing = demand_locked(group, now) - census->available;
	if (group->next_due != 0)
		look_again_until(until, group->next_due);
	if (missing <= 0)
	{
		group->waiting_since = 0;
		group->wants_room = false;
		if (group_is_unused_locked(group))
			group->database = InvalidOid;
		return false;
	}
	if (group->waiting_since == 0)
		group->waiting_since = now;
	if (pool_is_blocked_locked(group->database) || pool_has_crashed_locked(group->database) ||
		group->retry_start > now || !may_start_locked(group, census))
	{
		look_again_until(until, TimestampTzPlusMilliseconds(now, RETRY_EVERY));
		return false;
	}
	return true;
}

/*
 * Choose the group that gets a worker, and set the free slot aside for it: false if
 * no group needs a worker, or free_slot is -1.  Groups without any worker go first,
 * then the one that has waited longest.  until is when to plan again.
 */
bool
plan_start_locked(int free_slot, WorkerStart *start, TimestampTz *until)
{
	TimestampTz now = GetCurrentTimestamp();
	PoolGroup *chosen = NULL;
	bool chosen_has_worker = false;

	Assert(pool_is_locked());
	if (pool->visit_all_at != 0)
		look_again_until(until, pool->visit_all_at);
	for (int i = 0; i < POOL_GROUPS; i++)
	{
		PoolGroup *group = &pool->groups[i];
		Census census;

		if (!OidIsValid(group->database) || !needs_start_locked(group, now, &census, until))
			continue;
		if (chosen == NULL || (census.own == 0 && chosen_has_worker) ||
			((census.own > 0) == chosen_has_worker && group->waiting_since < chosen->waiting_since))
		{
			chosen = group;
			chosen_has_worker = census.own > 0;
		}
	}
	if (chosen == NULL || free_slot < 0)
		return false;
	set_slot_aside_locked(chosen, free_slot, start);
	return true;
}
