/*
 * plan.c
 *	  Which workers to start next, and which ones to end for them.
 *
 * The launcher asks.  A group that has calls and no idle worker gets one, as far
 * as the limits go; where they do not, a worker of another group makes room.  This
 * file owns that decision and sets the slot aside, under the pool's lock; it
 * starts no process.
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

/* After how long an idle worker makes room for a group that has others, in ms. */
#define IDLE_FOR_OTHERS 1000

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
void
plan_make_room(PoolGroup *group, bool in_database, bool has_worker)
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
void
plan_keep_limits(void)
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
		plan_make_room(group, full_here, census->own > 0);
	return false;
}

/*
 * Find a group that needs a worker, the one that has waited longest first, and
 * set a slot aside for it: returns that, or -1.  until is when to try again.
 */
int
plan_start(int free_slot, WorkerStart *start, TimestampTz *until)
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
	index = chosen != NULL ? free_slot : -1;
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
