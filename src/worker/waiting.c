/*
 * waiting.c
 *	  Waits for executions that workers run.
 *
 * Who waits is in the pool, and the worker that has committed an execution sets
 * the latches of those that wait for it.  The row is what counts: it is read
 * again after each wake-up, and every second.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "engine/verbs.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "worker/deadlock.h"
#include "worker/pool.h"
#include "worker/waiting.h"

/* How often the row is read without a wake-up, in ms. */
#define LOOK_EVERY 1000

/* The same where there was no room in the pool. */
#define LOOK_EVERY_ALONE 20

/* Enter this process as waiting; -1 where there is no room. */
static int
enter(int64 execution_id)
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
		pool->nwaiters++;
		index = i;
	}
	pool_unlock();
	return index;
}

static void
leave(int code, Datum arg)
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
waiting_wake(Oid database, int64 execution_id)
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

/* Sleep until woken or until a time, 0 for no such time; at most as long as said. */
static void
sleep_until(TimestampTz deadline, int longest)
{
	static uint32 event = 0;
	TimestampTz now = GetCurrentTimestamp();
	int64 milliseconds = longest;

	if (event == 0)
		event = compat_wait_event("WorkflowOrchExecution");
	if (deadline != 0)
		milliseconds = Min(milliseconds, (deadline - now + 999) / 1000);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max(milliseconds, 1),
					 event);
}

static Jsonb *
wait_here(int64 execution_id, TimestampTz deadline, bool entered)
{
	TimestampTz next_look = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DeadlockTimeout);
	MemoryContext context = CurrentMemoryContext;
	MemoryContext look = AllocSetContextCreate(context, "wait for execution",
											   ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		Jsonb *result;
		TimestampTz now;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(look);
		MemoryContextSwitchTo(look);
		result = execution_outcome(execution_id);
		MemoryContextSwitchTo(context);
		now = GetCurrentTimestamp();
		if (result != NULL || (deadline != 0 && now >= deadline))
			return result;
		if (entered && now >= next_look)
		{
			next_look = TimestampTzPlusMilliseconds(now, LOOK_EVERY);
			if (deadlock_check() == DEADLOCK_NOT_STARTED)
				ereport(ERROR,
						(errcode(ERRCODE_T_R_DEADLOCK_DETECTED), errreason("wfo_deadlock"),
						 errmsg("deadlock detected"),
						 errdetail("Execution " INT64_FORMAT
								   " cannot start: every worker waits for "
								   "a lock of a transaction that waits for a worker.",
								   execution_id),
						 errhint("Commit before you wait for a call that needs the same rows.")));
		}
		sleep_until(deadline, entered ? LOOK_EVERY : LOOK_EVERY_ALONE);
	}
}

/*
 * Wait until an execution has ended, for at most timeout ms or, where that is
 * 0, as long as it takes: returns its result, or NULL when the time is over.
 */
Jsonb *
wait_for_execution(int64 execution_id, int64 timeout)
{
	Jsonb *volatile result = execution_outcome(execution_id);
	volatile TimestampTz deadline = 0;
	volatile int index;

	if (result != NULL)
		return result;
	if (timeout > 0)
		deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
											   Min(timeout, (int64) PG_INT32_MAX * 1000));
	index = enter(execution_id);
	PG_ENSURE_ERROR_CLEANUP(leave, Int32GetDatum(index));
	{
		result = wait_here(execution_id, deadline, index >= 0);
	}
	PG_END_ENSURE_ERROR_CLEANUP(leave, Int32GetDatum(index));
	leave(0, Int32GetDatum(index));
	return result;
}
