/*
 * refill.c
 *	  Looks through the queue for calls of a worker's group.
 *
 * The group gets the first calls that are due, as many as it has room for, and
 * the time when the next one is due.  One worker of a group looks at a time, and a
 * worker whose calls share a transaction does not end it for that.  This file owns
 * that look; it runs no call and changes no row.
 */
#include "postgres.h"

#include "access/xact.h"
#include "engine/run/work.h"
#include "utils/timestamp.h"
#include "worker/pool/group.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"
#include "worker/process/loss.h"
#include "worker/process/refill.h"
#include "worker/process/session.h"

/* The calls that were found. */
typedef struct Found
{
	int room; /* how many it can have */
	int count;
	bool more; /* there is one that it cannot have */
	QueuedCall calls[POOL_CALLS];
} Found;

static bool
note_found_call(const QueuedCall *call, void *arg)
{
	Found *found = arg;

	found->more = found->count == found->room;
	if (found->more)
		return false;
	found->calls[found->count++] = *call;
	return true;
}

/* Give a call that was found to the group, unless a worker has it or it has to wait. */
static void
add_found_locked(PoolGroup *group, const QueuedCall *call, TimestampTz *next_due)
{
	TimestampTz not_before = loss_not_before_locked(group->database, call->execution_id);

	Assert(pool_is_locked());
	if (not_before > GetCurrentTimestamp())
	{
		if (*next_due == 0 || not_before < *next_due)
			*next_due = not_before;
	}
	else if (!pool_has_taken_locked(group, call->execution_id))
		group_add_call_locked(group, &(PoolCall){.queued = *call});
}

/*
 * Look through the queue for the first calls that are due for the worker's group, from
 * where the last look has ended, in the open transaction.
 */
void
refill_group_within(WorkerSlot *slot)
{
	static Found found;
	PoolGroup *group = &pool->groups[slot->group];
	QueuedCall from;
	TimestampTz next_due = 0;
	bool goes_on;

	Assert(slot->filling && group->filling);
	Assert(IsTransactionState());
	found.count = 0;
	found.more = false;
	pool_lock();
	goes_on = group_place_to_look_locked(group, &from, &found.room);
	pool_unlock();
	if (work_lock_in())
		next_due = queued_visit_due(slot->role, goes_on ? &from : NULL, note_found_call, &found);

	pool_lock();
	for (int i = 0; i < found.count; i++)
		add_found_locked(group, &found.calls[i], &next_due);
	group_end_look_locked(group, slot, found.more ? &found.calls[found.count - 1] : NULL);
	if (next_due != 0)
		group_look_at_locked(group, next_due);
	if (group->ncalls > 1)
		group_wake_locked(group, group->ncalls - 1);
	pool_unlock();
}

/* The same in a transaction of its own. */
void
refill_group(WorkerSlot *slot)
{
	session_begin_transaction();
	refill_group_within(slot);
	session_commit_transaction();
}
