/*
 * waiter.c
 *	  The processes that wait for an execution.
 *
 * The worker that has committed an execution sets the latches of those that wait
 * for it, and whoever looks for a deadlock reads who waits for what.  This file
 * owns the pool's list of waiters; it reads no table, and does not wait itself.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "worker/pool/pool.h"
#include "worker/pool/waiter.h"

/* Enter this process as waiting; -1 where there is no room. */
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

void
waiter_leave(int code, Datum arg)
{
	int index = DatumGetInt32(arg);

	(void) code;
	if (index < 0)
		return;
	pool_lock();
	pool->waiters[index].pid = 0;
	pool->nwaiters--;
	pool_unlock();
}

/* Wake who waits for an execution, which has been committed. */
void
waiter_wake(Oid database, int64 execution_id)
{
	pool_lock();
	for (int i = 0; pool->nwaiters > 0 && i < POOL_WAITERS; i++)
	{
		const Waiter *waiter = &pool->waiters[i];

		if (waiter->pid != 0 && waiter->database == database &&
			waiter->execution_id == execution_id)
			SetLatch(waiter->latch);
	}
	pool_unlock();
}

/* Tell the others, who may look for a deadlock, what the execution is of. */
void
waiter_note_proposal(int index, int64 proposal_id)
{
	if (index < 0)
		return;
	pool_lock();
	pool->waiters[index].proposal_id = proposal_id;
	pool_unlock();
}
