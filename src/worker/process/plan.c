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
#include "worker/pool/group_table.h"
#include "worker/pool/pool.h"
#include "worker/process/plan.h"
#include "worker/process/process.h"

/* How long a worker must be idle to make room for a group that has other workers, in ms. */
#define IDLE_FOR_OTHERS 1000

/* How many workers there are, of all groups and of each. */
typedef struct Census
{
	int used;    /* slots that are in use */
	int idle;    /* workers that have nothing to do */
	int leaving; /* idle workers that were asked to leave */
	struct
	{
		int present;   /* slots that are in use */
		int staying;   /* of these, workers that were not asked to leave */
		int available; /* of these, workers that are idle or starting */
	} of_group[POOL_GROUPS];
} Census;

/*
 * Whether a worker has nothing to do.  One that has just started, or ended a call, is
 * idle until it takes the next one, and would leave without its turn.
 */
static bool
has_nothing_to_do_locked(const WorkerSlot *slot)
{
	const PoolGroup *group = &pool->groups[slot->group];

	Assert(pool_is_locked());
	return slot->state == SLOT_IDLE && !slot->evict && !slot->filling && group->ncalls == 0 &&
		   (!group->incomplete || group->filling);
}

/* Count the workers, in one pass: there may be many groups. */
static Census *
count_workers_locked(void)
{
	static Census census; /* of this process, the launcher */

	Assert(pool_is_locked());
	memset(&census, 0, offsetof(Census, of_group) + pool->ngroups * sizeof(census.of_group[0]));
	for (int i = 0; i < pool->nslots; i++)
	{
		const WorkerSlot *slot = &pool->slots[i];

		if (slot->state == SLOT_FREE)
			continue;
		census.used++;
		census.leaving += slot->evict && slot->state == SLOT_IDLE;
		census.of_group[slot->group].present++;
		if (slot->evict)
			continue;
		census.idle += has_nothing_to_do_locked(slot);
		census.of_group[slot->group].staying++;
		census.of_group[slot->group].available += slot->state != SLOT_BUSY;
	}
	return &census;
}

/* How many slots in a database are in use. */
static int
count_in_database_locked(Oid database)
{
	int used = 0;

	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
		used += pool->slots[i].state != SLOT_FREE && pool->slots[i].database == database;
	return used;
}

static int
index_of(const PoolGroup *group)
{
	return (int) (group - pool->groups);
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

/* Whether nothing needs the place of a group, which has no worker, in the pool. */
static bool
group_is_unused_locked(const PoolGroup *group)
{
	Assert(pool_is_locked());
	if (group->ncalls > 0 || group->incomplete || group->filling || group->next_due != 0)
		return false;
	for (int i = 0; i < POOL_BATCHES; i++)
		if (pool->batches[i].used && pool->batches[i].database == group->database)
			return false;
	return true;
}

/* The idle worker that can make room: one of the group that has the most; NULL if there is none. */
static WorkerSlot *
find_idle_worker_locked(const PoolGroup *group, RoomScope scope, RoomPurpose purpose,
						const Census *census)
{
	TimestampTz now = GetCurrentTimestamp();
	WorkerSlot *victim = NULL;
	int most = 0;

	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];

		if (!has_nothing_to_do_locked(slot) || &pool->groups[slot->group] == group ||
			(scope == ROOM_IN_DATABASE && slot->database != group->database) ||
			(purpose == ROOM_FOR_ANOTHER_WORKER &&
			 now < TimestampTzPlusMilliseconds(slot->since, IDLE_FOR_OTHERS)))
			continue;
		if (census->of_group[slot->group].staying > most)
		{
			most = census->of_group[slot->group].staying;
			victim = slot;
		}
	}
	return victim;
}

static void
have_room_made_locked(PoolGroup *group, RoomScope scope, RoomPurpose purpose, Census *census)
{
	WorkerSlot *victim = census->idle > 0 ? find_idle_worker_locked(group, scope, purpose, census)
										  : NULL;

	Assert(pool_is_locked());
	if (victim != NULL)
	{
		pool_evict_locked(victim);
		census->idle--;
		census->leaving++;
	}
	else if (purpose == ROOM_FOR_FIRST_WORKER && pool->nwishes < POOL_WISHES)
		pool->wishes[pool->nwishes++] = (RoomWish){.group = group,
												   .here = scope == ROOM_IN_DATABASE};
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
	have_room_made_locked(group, scope, purpose, count_workers_locked());
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
may_start_locked(PoolGroup *group, Census *census)
{
	bool full = census->used >= setting_max_workers;
	bool full_here = setting_max_workers_per_database > 0 &&
					 count_in_database_locked(group->database) >= setting_max_workers_per_database;

	Assert(pool_is_locked());
	if (!full && !full_here)
		return true;
	if (setting_max_workers == 0)
		group->failed_starts = POOL_FAILED_STARTS;
	else if (census->leaving == 0)
		have_room_made_locked(group, full_here ? ROOM_IN_DATABASE : ROOM_ANYWHERE,
							  census->of_group[index_of(group)].staying > 0
								  ? ROOM_FOR_ANOTHER_WORKER
								  : ROOM_FOR_FIRST_WORKER,
							  census);
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
	slot->group = index_of(group);
	slot->database = start->database = group->database;
	slot->role = start->role = group->role;
	slot->place.batch = -1;
	slot->since = GetCurrentTimestamp();
	group->waiting_since = 0;
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
 * group has waited for one, and frees a group that nothing needs; until is when to
 * look at it again.
 */
static bool
needs_start_locked(PoolGroup *group, TimestampTz now, Census *census, TimestampTz *until)
{
	int missing;

	Assert(pool_is_locked());
	missing = demand_locked(group, now) - census->of_group[index_of(group)].available;
	if (group->next_due != 0)
		look_again_until(until, group->next_due);
	if (missing <= 0)
	{
		group->waiting_since = 0;
		if (census->of_group[index_of(group)].present == 0 && group_is_unused_locked(group))
			group_free_locked(group);
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
	Census *census = count_workers_locked();
	PoolGroup *chosen = NULL;
	bool chosen_has_worker = false;

	Assert(pool_is_locked());
	if (pool->visit_all_at != 0)
		look_again_until(until, pool->visit_all_at);
	/* Whoever still needs room says so below. */
	pool->nwishes = 0;
	for (int i = 0; i < pool->ngroups; i++)
	{
		PoolGroup *group = &pool->groups[i];
		bool has_worker = census->of_group[i].staying > 0;

		if (!OidIsValid(group->database) || !needs_start_locked(group, now, census, until))
			continue;
		if (chosen == NULL || (!has_worker && chosen_has_worker) ||
			(has_worker == chosen_has_worker && group->waiting_since < chosen->waiting_since))
		{
			chosen = group;
			chosen_has_worker = has_worker;
		}
	}
	if (chosen == NULL || free_slot < 0)
		return false;
	set_slot_aside_locked(chosen, free_slot, start);
	return true;
}
