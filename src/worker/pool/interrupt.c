/*
 * interrupt.c
 *	  Cancels what workers run.
 *
 * Signals go to a worker by its slot, under the pool's lock, and so never to a
 * process that has another call by then.  This file owns what a slot says that
 * somebody asked of its worker; who may ask, and why, is not its business.
 */
#include "postgres.h"

#include <signal.h>

#include "base/settings.h"
#include "miscadmin.h"
#include "utils/timestamp.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"

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
