/*
 * next.c
 *	  What a worker does next.
 *
 * A worker takes calls of its group and of batches in turn.  A suspect call, which
 * was running when the server crashed, runs while no other call does.  This file
 * owns that choice, and takes the call while it holds the pool's lock.  It runs no
 * call, and reads and writes no table.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/process/batch_call.h"
#include "worker/process/next.h"

/* How often a worker checks whether a suspect call of another worker has ended, in ms. */
#define LOOK_AT_SUSPECT_EVERY 20

static bool last_was_batch = false;

/* Whether another worker runs a call. */
static bool
anything_runs_locked(const WorkerSlot *slot)
{
	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
		if (&pool->slots[i] != slot && pool->slots[i].state == SLOT_BUSY)
			return true;
	return false;
}

/*
 * Whether a group must wait for a suspect call that runs, or that another group is
 * to run next.  Of the groups whose first call is suspect, the first one is next.
 */
static bool
is_held_back_locked(const PoolGroup *own)
{
	const PoolGroup *elected = NULL;

	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
	{
		const WorkerSlot *other = &pool->slots[i];
		const PoolGroup *group;

		if (other->state == SLOT_FREE || other->state == SLOT_STARTING)
			continue;
		if (other->state == SLOT_BUSY && other->exclusive)
			return true;
		group = &pool->groups[other->group];
		if (group_is_suspect_locked(group) && (elected == NULL || group < elected))
			elected = group;
	}
	return elected != NULL && elected != own;
}

/* Note that the worker has taken a call. */
static void
begin_call_locked(WorkerSlot *slot)
{
	Assert(pool_is_locked());
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

/* Take the first call of the group. */
static void
take_queued_call_locked(PoolGroup *group, WorkerSlot *slot, WorkerCall *call)
{
	Assert(pool_is_locked());
	Assert(group->ncalls > 0);
	slot->call = group->calls[--group->ncalls];
	slot->exclusive = slot->call.queued.suspect;
	slot->place.batch = -1;
	*call = (WorkerCall){.queued = slot->call.queued, .history = slot->call.history};
	begin_call_locked(slot);
}

/*
 * Whether a call may share a transaction with others: nothing has gone wrong with it.
 * One that was due when the server crashed may have been part of what was lost.
 */
bool
next_is_sociable(const PoolCall *call)
{
	return !call->queued.suspect && call->queued.due_at > pool->crashed_at &&
		   !group_call_has_history(call);
}

/* Whether nobody waits for the end of a transaction to which a worker could add a call. */
static bool
may_go_on_locked(const PoolGroup *group, const WorkerSlot *slot)
{
	Assert(pool_is_locked());
	return slot->nuncommitted < GROUP_SIZE_MAX - 1 && !slot->evict && pool->nwishes == 0 &&
		   !is_held_back_locked(group) && group_waiting_in_batches_locked(group) == 0;
}

/* Whether the next call of the group may run in the transaction of one that has run. */
static bool
may_share_locked(const PoolGroup *group, const WorkerSlot *slot)
{
	const PoolCall *next;

	Assert(pool_is_locked());
	if (group->ncalls == 0)
		return false;
	next = &group->calls[group->ncalls - 1];
	return next->queued.tool == slot->call.queued.tool &&
		   next->queued.priority <= slot->call.queued.priority && next_is_sociable(next);
}

/*
 * Choose what a worker does next in its open transaction, in which it has run a call:
 * NEXT_CALL, and the call is taken; NEXT_REFILL; or NEXT_END of the transaction.
 */
Next
next_choose_shared(WorkerSlot *slot, WorkerCall *call)
{
	PoolGroup *group = &pool->groups[slot->group];
	Next next = NEXT_END;

	pool_lock();
	Assert(slot->state == SLOT_BUSY && slot->place.batch < 0);
	if (!may_go_on_locked(group, slot))
		;
	else if (group_begin_look_locked(group, slot))
		next = NEXT_REFILL;
	else if (may_share_locked(group, slot))
	{
		pool_uncommitted_locked(slot)[slot->nuncommitted++] = slot->call;
		take_queued_call_locked(group, slot, call);
		call->shares = true;
		next = NEXT_CALL;
	}
	pool_unlock();
	return next;
}

/*
 * Choose what a worker does next, and take it: for NEXT_CALL and NEXT_WARM_UP, call is
 * set to the call; for NEXT_SLEEP, wake_at is when to look again, or 0.
 */
Next
next_choose(WorkerSlot *slot, TimestampTz turn_ends, WorkerCall *call, TimestampTz *wake_at)
{
	PoolGroup *group = &pool->groups[slot->group];
	Next next = NEXT_SLEEP;
	bool batch_turn;

	Assert(slot->pid == MyProcPid);
	*wake_at = 0;
	pool_lock();
	batch_turn = group_waiting_in_batches_locked(group) > 0 &&
				 (!last_was_batch || group->ncalls == 0);
	slot->woken = false;
	if (slot->evict || group_must_make_room_locked(group, turn_ends))
		next = NEXT_END;
	else if (is_held_back_locked(group))
		*wake_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_AT_SUSPECT_EVERY);
	else if (group_is_suspect_locked(group))
	{
		if (anything_runs_locked(slot))
			*wake_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_AT_SUSPECT_EVERY);
		else
		{
			take_queued_call_locked(group, slot, call);
			next = NEXT_CALL;
		}
	}
	else if (batch_turn && batch_call_take_locked(slot, call))
	{
		slot->exclusive = false;
		begin_call_locked(slot);
		next = NEXT_CALL;
	}
	else if (batch_turn && batch_call_is_ready_locked(slot->database, slot->role, wake_at))
		next = NEXT_ATTACH;
	else if (group_begin_look_locked(group, slot))
		next = NEXT_REFILL;
	else if (group->ncalls > 0)
	{
		take_queued_call_locked(group, slot, call);
		next = NEXT_CALL;
	}
	else if (slot->coming.execution_id != 0)
	{
		*call = (WorkerCall){.queued = slot->coming};
		next = NEXT_WARM_UP;
	}
	slot->coming.execution_id = 0;
	last_was_batch = next == NEXT_CALL && slot->place.batch >= 0;
	pool_unlock();
	return next;
}
