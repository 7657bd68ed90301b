/*
 * shared_commit.c
 *	  Calls that share the transaction of a worker.
 *
 * A commit that waits for the disk takes longer than a short call.  If a tool has a
 * group_size above 1, a worker that has run one of its calls runs the next ones in the
 * same transaction, each in a subtransaction of its own, and commits them together.
 *
 * This file owns which calls these are and what becomes of them.  A call that cannot
 * end here is rolled back alone, and all of them are if the transaction fails.  Then
 * each goes back to the group as a call that runs by itself, where it ends as any
 * other; nothing else is ever written about it here.  So that no call is lost with
 * its worker, the pool has those that wait for the commit.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "worker/pool/group.h"
#include "worker/pool/waiter.h"
#include "worker/process/next.h"
#include "worker/process/refill.h"
#include "worker/process/session.h"
#include "worker/process/shared_commit.h"

/* A call and what is needed to run it. */
typedef struct SharedCall
{
	WorkerCall call;
	const WorkHooks *hooks;
	WorkReport report;
} SharedCall;

static void
run_shared_call(void *arg)
{
	SharedCall *shared = arg;

	SetCurrentStatementStartTimestamp();
	PushActiveSnapshot(GetTransactionSnapshot());
	work_run(&shared->call, shared->hooks, &shared->report);
	PopActiveSnapshot();
	session_clean_between();
}

/* Give a call back to the group, to be run by itself. */
static void
give_back_locked(PoolGroup *group, PoolCall *call)
{
	Assert(pool_is_locked());
	call->history.alone = true;
	group_add_call_locked(group, call);
}

/* Give back the call that was rolled back; the one before it takes its place. */
static void
give_back_last(WorkerSlot *slot)
{
	pool_lock();
	Assert(slot->nuncommitted > 0);
	give_back_locked(&pool->groups[slot->group], &slot->call);
	slot->call = pool_uncommitted_locked(slot)[--slot->nuncommitted];
	slot->execution_id = 0;
	pool_unlock();
}

/*
 * Take the next call for the open transaction, and look through the queue for it if need
 * be: false if there is none, or the transaction is to end.
 */
static bool
take_shared(WorkerSlot *slot, WorkerCall *call)
{
	for (;;)
	{
		switch (next_choose_shared(slot, call))
		{
			case NEXT_CALL:
				return true;
			case NEXT_REFILL:
				refill_group_within(slot);
				break;
			default:
				return false;
		}
	}
}

/*
 * Run further calls in the open transaction, in which the worker has run one call of
 * a tool with this group_size, until they are enough, have taken long enough or there
 * are no more.  The caller commits.  Returns when the queue is to be looked through
 * for those that are put off, or DT_NOEND.
 *
 * An error that it raises is that of all these calls.
 */
TimestampTz
shared_commit_run(WorkerSlot *slot, int64 group_size, const WorkHooks *hooks)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "call that shares a transaction",
												  ALLOCSET_DEFAULT_SIZES);
	TimestampTz end = TimestampTzPlusMilliseconds(slot->since, setting_group_time);
	TimestampTz look_at = DT_NOEND;
	SharedCall shared = {.hooks = hooks};
	bool ended = true;

	session_clean_between();
	work_share_begin();
	while (ended && slot->nuncommitted + 1 < group_size && GetCurrentTimestamp() < end &&
		   take_shared(slot, &shared.call))
	{
		ErrorData *error;

		/* What arrived until now was meant for the call before. */
		QueryCancelPending = false;
		MemoryContextSwitchTo(context);
		error = subtransaction_try(run_shared_call, &shared);
		MemoryContextSwitchTo(outer);
		ended = error == NULL && shared.report.end != WORK_ALONE;
		if (error != NULL)
			hooks->ended();
		if (!ended)
			give_back_last(slot);
		else if (shared.report.end == WORK_LATER)
			look_at = Min(look_at, shared.report.later);
		MemoryContextReset(context);
	}
	work_share_end();
	MemoryContextDelete(context);
	return look_at;
}

/* Give back all calls of the worker, whose transaction is undone: it has none any more. */
void
shared_commit_give_back_locked(WorkerSlot *slot, PoolGroup *group)
{
	PoolCall *calls = pool_uncommitted_locked(slot);

	for (int i = 0; i < slot->nuncommitted; i++)
		give_back_locked(group, &calls[i]);
	slot->nuncommitted = 0;
	give_back_locked(group, &slot->call);
	memset(&slot->call, 0, sizeof(PoolCall));
	slot->execution_id = 0;
}

/* Tell those who wait for the calls, which are committed.  Returns how many these are. */
int
shared_commit_end(WorkerSlot *slot)
{
	int count;

	pool_lock();
	count = slot->nuncommitted + 1;
	waiter_wake_locked(slot->database, slot->call.queued.execution_id);
	for (int i = 0; i < slot->nuncommitted; i++)
		waiter_wake_locked(slot->database, pool_uncommitted_locked(slot)[i].queued.execution_id);
	slot->nuncommitted = 0;
	pool_unlock();
	return count;
}
