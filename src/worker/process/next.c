/*
 * next.c
 *	  What a worker does next.
 *
 * A worker takes the calls of its group and those of batches in turn.  A call that
 * ran when the server crashed runs while nothing else does.  This file owns that
 * choice and takes the call, under the pool's lock; it runs nothing.
 */
#include "postgres.h"

#include "utils/timestamp.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/process/batch_call.h"
#include "worker/process/next.h"

static bool last_was_batch = false;

static bool
anything_runs(const Slot *slot)
{
	for (int i = 0; i < pool->nslots; i++)
		if (&pool->slots[i] != slot && pool->slots[i].state == SLOT_BUSY)
			return true;
	return false;
}

/*
 * Whether something runs that nothing may run beside, or is about to: of the
 * groups that have such a call at their head, the first is next.
 */
static bool
is_held_back(const PoolGroup *own)
{
	const PoolGroup *elected = NULL;

	for (int i = 0; i < pool->nslots; i++)
	{
		const Slot *other = &pool->slots[i];
		const PoolGroup *group;

		if (other->state == SLOT_FREE || other->state == SLOT_STARTING)
			continue;
		if (other->state == SLOT_BUSY && other->exclusive)
			return true;
		group = &pool->groups[other->group];
		if (group->ntasks > 0 && group->tasks[group->ntasks - 1].call.suspect &&
			(elected == NULL || group < elected))
			elected = group;
	}
	return elected != NULL && elected != own;
}

static void
begin_call(Slot *slot)
{
	slot->state = SLOT_BUSY;
	slot->since = GetCurrentTimestamp();
	slot->execution_id = 0;
	slot->cancelled = false;
	slot->deadlock = false;
	slot->reason[0] = '\0';
	slot->end_at = 0;
	slot->terminated = false;
	slot->ended_hard = false;
}

static void
take_task(PoolGroup *group, Slot *slot)
{
	slot->task = group->tasks[--group->ntasks];
	slot->exclusive = slot->task.call.suspect;
	slot->batch = -1;
	begin_call(slot);
}

/* Choose what to do next, and take it. */
Next
next_choose(Slot *slot, TimestampTz turn_began, BatchTask *batch_task, TimestampTz *wake_at)
{
	PoolGroup *group = &pool->groups[slot->group];
	Next next = NEXT_SLEEP;
	bool batch_turn;

	*wake_at = 0;
	pool_lock();
	batch_turn = pool_waiting_in_batches(group) > 0 && (!last_was_batch || group->ntasks == 0);
	slot->woken = false;
	if (slot->evict || pool_must_make_room(group, turn_began))
		next = NEXT_END;
	else if (is_held_back(group))
		*wake_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 20);
	else if (group->ntasks > 0 && group->tasks[group->ntasks - 1].call.suspect)
	{
		if (anything_runs(slot))
			*wake_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 20);
		else
		{
			take_task(group, slot);
			next = NEXT_TASK;
		}
	}
	else if (batch_turn && batch_call_take_locked(slot->role, batch_task))
	{
		slot->exclusive = false;
		slot->batch = batch_task->batch;
		slot->batch_generation = batch_task->generation;
		slot->batch_call = batch_task->call;
		begin_call(slot);
		batch_call_note_slot_locked(batch_task, (int) (slot - pool->slots), slot->generation);
		next = NEXT_BATCH_CALL;
	}
	else if (batch_turn && batch_call_is_ready_locked(slot->database, slot->role, wake_at))
		next = NEXT_ATTACH;
	else if (group->ntasks > 0)
	{
		take_task(group, slot);
		next = NEXT_TASK;
	}
	else if (group->incomplete && !group->filling)
	{
		group->filling = true;
		slot->filling = true;
		group->incomplete = false;
		group->bounded = false;
		next = NEXT_FILL;
	}
	last_was_batch = next == NEXT_BATCH_CALL;
	pool_unlock();
	return next;
}
