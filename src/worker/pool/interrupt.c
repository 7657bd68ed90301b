/*
 * interrupt.c
 *	  Cancels what workers run.
 *
 * Signals are sent to a worker by its slot while the pool's lock is held, and so
 * never reach a worker that has taken another call meanwhile.  This file owns the
 * search for the worker of a call and the signals; who is allowed to cancel, and
 * for what reason, is not its business.
 */
#include "postgres.h"

#include <signal.h>

#include "base/settings.h"
#include "miscadmin.h"
#include "utils/timestamp.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"

/* Whether a worker runs the execution, or is about to run it. */
static bool
is_current_locked(const WorkerSlot *slot, int64 execution_id)
{
	Assert(pool_is_locked());
	return slot->execution_id == execution_id ||
		   (slot->place.batch < 0 && slot->call.queued.execution_id == execution_id);
}

/* Whether a worker has run the execution, and not committed yet. */
static bool
is_uncommitted_locked(const WorkerSlot *slot, int64 execution_id)
{
	const PoolCall *calls = pool_uncommitted_locked(slot);

	for (int i = 0; i < slot->nuncommitted; i++)
		if (calls[i].queued.execution_id == execution_id)
			return true;
	return false;
}

/*
 * The worker that has a queued call, whether it has called the tool, has not yet, or
 * has only to commit; NULL if none has it.
 */
WorkerSlot *
pool_find_taken_locked(Oid database, int64 execution_id)
{
	Assert(pool_is_locked());
	Assert(execution_id != 0);
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];

		if (slot->state == SLOT_BUSY && slot->database == database &&
			(is_current_locked(slot, execution_id) || is_uncommitted_locked(slot, execution_id)))
			return slot;
	}
	return NULL;
}

/* Whether a worker of the group's database has a queued call. */
bool
pool_has_taken_locked(const PoolGroup *group, int64 execution_id)
{
	Assert(pool_is_locked());
	return pool_find_taken_locked(group->database, execution_id) != NULL;
}

/* Whether a worker of the current database has a queued call. */
bool
pool_has_execution(int64 execution_id)
{
	bool found;

	if (pool == NULL)
		return false;
	pool_lock();
	found = pool_find_taken_locked(MyDatabaseId, execution_id) != NULL;
	pool_unlock();
	return found;
}

/*
 * Cancel the call that a busy worker runs.  If the call goes on, the launcher ends
 * the worker after workflow_orch.timeout_grace.
 */
void
pool_interrupt_locked(WorkerSlot *slot)
{
	Assert(pool_is_locked());
	Assert(slot->state == SLOT_BUSY && slot->pid != 0);
	if (slot->end_at == 0)
	{
		slot->end_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), setting_timeout_grace);
		pool_wake_launcher_locked();
	}
	(void) kill(slot->pid, SIGINT);
}

/*
 * Tell the worker that has a queued call that a request to cancel it has been
 * committed.  Since it is called after the commit, it must not raise an error.  A
 * worker that takes the call later reads the request itself.  A call that has run in a
 * transaction of several is not cancelled any more.
 */
void
pool_cancel(Oid database, int64 execution_id)
{
	WorkerSlot *slot;

	if (pool == NULL)
		return;
	pool_lock();
	slot = pool_find_taken_locked(database, execution_id);
	if (slot != NULL && is_current_locked(slot, execution_id))
		pool_interrupt_locked(slot);
	pool_unlock();
}

/* Cancel the call of a worker because of a deadlock, if it still runs the call that was seen. */
void
pool_cancel_deadlock(int index, const WorkerSlot *seen)
{
	WorkerSlot *slot = &pool->slots[index];

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
