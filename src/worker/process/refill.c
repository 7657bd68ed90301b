/*
 * refill.c
 *	  Looks through the queue for calls of a worker's group.
 *
 * The group gets the first calls that are due, as many as it has room for, and
 * the time when the next one is due.  One worker of a group looks at a time.  This
 * file owns that look; it runs no call and changes no row.
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
	int count;
	QueuedCall calls[POOL_CALLS];
} Found;

static bool
note_found_call(const QueuedCall *call, void *arg)
{
	Found *found = arg;

	if (found->count == POOL_CALLS)
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

/* Look through the queue for the first calls that are due for the worker's group. */
void
refill_group(WorkerSlot *slot)
{
	static Found found;
	PoolGroup *group = &pool->groups[slot->group];
	TimestampTz next_due = 0;
	bool complete;

	Assert(slot->filling && group->filling);
	Assert(!IsTransactionState());
	found.count = 0;
	session_begin_transaction();
	if (work_lock_in())
		next_due = queued_visit_due(slot->role, note_found_call, &found);
	session_commit_transaction();
	complete = found.count < POOL_CALLS;

	pool_lock();
	for (int i = 0; i < found.count; i++)
		add_found_locked(group, &found.calls[i], &next_due);
	if (!complete)
		group->incomplete = true;
	group->filling = false;
	slot->filling = false;
	if (next_due != 0)
		group_look_at_locked(group, next_due);
	if (group->ncalls > 1)
		group_wake_locked(group, group->ncalls - 1);
	pool_unlock();
}
