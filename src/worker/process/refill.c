/*
 * refill.c
 *	  Looks through the queue for calls of a worker's group.
 *
 * The group gets the first calls that are due, as many as it has room for, and
 * the time of the next one.  One worker of the group looks at a time.  This file
 * owns that look; it runs no call.
 */
#include "postgres.h"

#include "engine/run/work.h"
#include "utils/timestamp.h"
#include "worker/pool/group.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"
#include "worker/process/loss.h"
#include "worker/process/refill.h"
#include "worker/process/session.h"

typedef struct Found
{
	int count;
	QueuedCall calls[POOL_TASKS];
} Found;

static bool
note_call(const QueuedCall *call, void *arg)
{
	Found *found = arg;

	if (found->count == POOL_TASKS)
		return false;
	found->calls[found->count++] = *call;
	return true;
}

/* Give a call of the queue to the group, unless a worker has it or it is to wait. */
static void
add_found_locked(PoolGroup *group, const QueuedCall *call, TimestampTz *next_due)
{
	TimestampTz not_before = loss_not_before_locked(group->database, call->execution_id);

	if (not_before > GetCurrentTimestamp())
	{
		if (*next_due == 0 || not_before < *next_due)
			*next_due = not_before;
	}
	else if (!pool_has_taken(group, call->execution_id))
		pool_add_task(group, &(Task){.call = *call});
}

/* Look through the queue for the first calls that are due. */
void
refill_group(Slot *slot)
{
	static Found found;
	PoolGroup *group = &pool->groups[slot->group];
	TimestampTz next_due = 0;
	bool complete;

	found.count = 0;
	session_begin_transaction();
	if (work_is_possible())
		next_due = queued_visit_due(slot->role, note_call, &found);
	session_commit_transaction();
	complete = found.count < POOL_TASKS;

	pool_lock();
	for (int i = 0; i < found.count; i++)
		add_found_locked(group, &found.calls[i], &next_due);
	if (!complete)
		group->incomplete = true;
	group->filling = false;
	slot->filling = false;
	if (next_due != 0 && (group->next_due == 0 || next_due < group->next_due))
	{
		group->next_due = next_due;
		pool_wake_launcher();
	}
	if (group->ntasks > 1)
		pool_wake(group, group->ntasks - 1);
	pool_unlock();
}
