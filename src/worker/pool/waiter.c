/*
 * waiter.c
 *	  The processes that wait for an execution.
 *
 * The worker that has committed an execution sets the latches of the processes
 * that wait for it, and the search for deadlocks (client/deadlock.c) reads who
 * waits for which execution.  This file owns the pool's list of waiters; it reads
 * no table, and does not wait itself.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "worker/pool/pool.h"
#include "worker/pool/waiter.h"

/* Enter this process as a waiter, and return its place; -1 if there is no room. */
int
waiter_enter(int64 execution_id)
{
	int index = -1;

	if (pool == NULL)
		return -1;
	pool_lock();
	for (int i = 0; i < POOL_WAITERS && index < 0; i++)
	{
		Waiter *waiter = &pool->waiters[i];

		if (waiter->pid != 0)
			continue;
		waiter->pid = MyProcPid;
		waiter->latch = MyLatch;
		waiter->database = MyDatabaseId;
		waiter->execution_id = execution_id;
		waiter->proposal_id = 0;
		pool->nwaiters++;
		index = i;
	}
	pool_unlock();
	return index;
}

/* Remove a waiter; arg is its place.  In the form of a shmem_exit callback. */
void
waiter_leave(int code, Datum arg)
{
	int index = DatumGetInt32(arg);

	(void) code;
	if (index < 0)
		return;
	pool_lock();
	Assert(pool->waiters[index].pid == MyProcPid);
	pool->waiters[index].pid = 0;
	pool->nwaiters--;
	pool_unlock();
}

/* Wake the processes that wait for an execution, which has been committed. */
void
waiter_wake_locked(Oid database, int64 execution_id)
{
	Assert(pool_is_locked());
	for (int i = 0; pool->nwaiters > 0 && i < POOL_WAITERS; i++)
	{
		const Waiter *waiter = &pool->waiters[i];

		if (waiter->pid != 0 && waiter->database == database &&
			waiter->execution_id == execution_id)
			SetLatch(waiter->latch);
	}
}

void
waiter_wake(Oid database, int64 execution_id)
{
	pool_lock();
	waiter_wake_locked(database, execution_id);
	pool_unlock();
}

/* Note the proposal of the awaited execution, for processes that look for a deadlock. */
void
waiter_note_proposal(int index, int64 proposal_id)
{
	if (index < 0)
		return;
	pool_lock();
	pool->waiters[index].proposal_id = proposal_id;
	pool_unlock();
}
