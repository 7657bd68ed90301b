/*
 * parallel.c
 *	  Runs the calls of a batch in background workers.
 *
 * The caller hands its calls over in dynamic shared memory, since workers cannot
 * see rows of the caller's transaction; the workers write the rows.  Each call is
 * a transaction of its own, so the end of a call stands whatever becomes of the
 * caller.  This file owns the caller's side, from the memory to the copy of the
 * results; it writes no row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "worker/client/deadlock.h"
#include "worker/client/parallel.h"
#include "worker/pool/batch.h"
#include "worker/pool/group.h"
#include "worker/pool/group_table.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"

/* How often the caller checks for a deadlock, in ms. */
#define LOOK_EVERY 500

/* The index of a role in the batch, entered if it is new; -1 if there are too many. */
static int
enter_batch_role(BatchSlot *slot, Oid role)
{
	int index = batch_role_index(slot, role);

	if (index >= 0)
		return index;
	if (slot->nroles == POOL_BATCH_ROLES)
		return -1;
	slot->roles[slot->nroles] = role;
	return slot->nroles++;
}

/* Fill the shared memory, which no other process knows yet. */
static void
fill_shared_batch(const Batch *batch, BatchSlot *slot, SharedBatch *shared)
{
	int n = 0;

	memset(shared, 0, offsetof(SharedBatch, calls));
	shared->has_actor = batch->actor != NULL;
	shared->actor_id = batch->actor != NULL ? batch->actor->actor_id : 0;
	namestrcpy(&shared->login, batch->caller.login_name);
	for (int i = 0; i < POOL_BATCH_ROLES; i++)
		shared->first[i] = -1;
	for (int i = 0; i < batch->ncalls; i++)
	{
		SharedCall *call = &shared->calls[n];

		if (!OidIsValid(batch->calls[i].role))
			continue;
		memset(call, 0, sizeof(SharedCall));
		call->proposal_id = batch->calls[i].proposal_id;
		call->role = enter_batch_role(slot, batch->calls[i].role);
		if (call->role < 0)
			report_limit("wfo_too_many_calls", errmsg("too many roles in one batch"),
						 errdetail("The tools of its calls run as more than %d roles.",
								   POOL_BATCH_ROLES),
						 errhint("Execute the calls in several batches."));
		batch_append_waiting(slot, shared, n++);
	}
	slot->ncalls = n;
}

/* Publish the batch, and wake workers for it: returns its place, or -1 if there is no room. */
static int
publish_batch(const BatchSlot *own)
{
	int index = -1;

	Assert(!own->used);
	pool_lock();
	for (int i = 0; i < POOL_BATCHES && index < 0; i++)
		if (!pool->batches[i].used)
			index = i;
	if (index >= 0)
	{
		/* From here on the batch keeps the groups of its roles in place. */
		pool->batches[index] = *own;
		pool->batches[index].used = true;
		pool->batches[index].database = MyDatabaseId;
	}
	for (int i = 0; i < own->nroles && index >= 0; i++)
		if (group_make_locked(MyDatabaseId, own->roles[i]) == NULL)
		{
			pool->batches[index].used = false;
			index = -1;
		}
	if (index >= 0)
	{
		BatchSlot *slot = &pool->batches[index];

		slot->generation = ++pool->generations;
		slot->caller = MyProcPid;
		slot->latch = MyLatch;
		pool->nbatches++;
		for (int i = 0; i < slot->nroles; i++)
		{
			PoolGroup *group = group_find_locked(MyDatabaseId, slot->roles[i]);

			/* The cause of earlier failed starts may be gone. */
			if (group->failed_starts >= POOL_FAILED_STARTS)
			{
				group->failed_starts = POOL_FAILED_STARTS - 1;
				group->retry_start = 0;
			}
			group_wake_locked(group, slot->waiting[i]);
		}
	}
	pool_unlock();
	return index;
}

/*
 * End the calls of a role that no worker has taken.  A call that has timed out
 * still needs a worker, to record that.
 */
static void
end_waiting_calls_locked(BatchSlot *slot, SharedBatch *shared, int role, BatchFate fate)
{
	int index = shared->first[role];

	Assert(pool_is_locked());
	shared->first[role] = -1;
	slot->waiting[role] = 0;
	while (index >= 0)
	{
		SharedCall *call = &shared->calls[index];
		int next = call->next;

		if (call->history.timed_out)
			batch_append_waiting(slot, shared, index);
		else
			batch_end_call_locked(slot, call, fate);
		index = next;
	}
}

/* Cancel the call of a worker; reason is a sentence. */
static void
cancel_batch_worker_locked(WorkerSlot *worker, const char *reason)
{
	Assert(pool_is_locked());
	worker->cancelled = true;
	worker->deadlock = false;
	strlcpy(worker->reason, reason, POOL_REASON_MAX);
	pool_interrupt_locked(worker);
}

/* Cancel the running calls of a batch. */
static void
cancel_running_calls_locked(BatchSlot *slot, SharedBatch *shared)
{
	Assert(pool_is_locked());
	for (int i = 0; i < slot->ncalls; i++)
	{
		const SharedCall *call = &shared->calls[i];
		WorkerSlot *worker = &pool->slots[call->slot];

		if (call->state == CALL_RUNNING && worker->state == SLOT_BUSY &&
			worker->generation == call->slot_generation)
			cancel_batch_worker_locked(worker, "The batch was canceled, or its time was over.");
	}
}

/*
 * End the calls that a worker has taken but whose tools have not started: they
 * wait for locks on the tables of the extension.
 */
static void
end_not_started_calls_locked(BatchSlot *slot, SharedBatch *shared)
{
	Assert(pool_is_locked());
	for (int i = 0; i < slot->ncalls; i++)
	{
		SharedCall *call = &shared->calls[i];
		WorkerSlot *worker = &pool->slots[call->slot];

		if (call->state != CALL_RUNNING || worker->state != SLOT_BUSY ||
			worker->generation != call->slot_generation || worker->execution_id != 0)
			continue;
		cancel_batch_worker_locked(worker, "It could not start because of a deadlock.");
		batch_end_call_locked(slot, call, FATE_DEADLOCK);
	}
}

/* A published batch, as its caller waits for it. */
typedef struct BatchWait
{
	int index; /* in the pool */
	SharedBatch *shared;
} BatchWait;

/* Remove the batch from the pool: its waiting calls do not start, its running ones are canceled. */
static void
withdraw_batch(int code, Datum arg)
{
	BatchWait *waiting = (BatchWait *) DatumGetPointer(arg);
	BatchSlot *slot = &pool->batches[waiting->index];

	(void) code;
	pool_lock();
	Assert(slot->used && slot->caller == MyProcPid);
	for (int i = 0; i < slot->nroles; i++)
		end_waiting_calls_locked(slot, waiting->shared, i, FATE_NOT_STARTED);
	cancel_running_calls_locked(slot, waiting->shared);
	slot->used = false;
	pool->nbatches--;
	pool_wake_launcher_locked();
	pool_unlock();
}

/* End the calls of roles for which no worker can be started. */
static void
end_calls_without_worker_locked(BatchSlot *slot, SharedBatch *shared)
{
	Assert(pool_is_locked());
	for (int i = 0; i < slot->nroles; i++)
	{
		const PoolGroup *group = group_find_locked(MyDatabaseId, slot->roles[i]);
		bool has_worker = false;

		for (int j = 0; j < pool->nslots; j++)
			has_worker |= pool->slots[j].state != SLOT_FREE &&
						  pool->slots[j].database == MyDatabaseId &&
						  pool->slots[j].role == slot->roles[i];
		if (!has_worker && group != NULL && group->failed_starts >= POOL_FAILED_STARTS)
			end_waiting_calls_locked(slot, shared, i, FATE_NO_WORKER);
	}
}

/*
 * Wait until all calls have ended.  After the deadline the calls that have not
 * started are ended, and the others canceled.
 */
static void
wait_for_batch(BatchWait *waiting, TimestampTz deadline)
{
	static uint32 event = 0;
	BatchSlot *slot = &pool->batches[waiting->index];
	TimestampTz next_look = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DeadlockTimeout);
	bool over = false;

	if (event == 0)
		event = compat_wait_event("WorkflowOrchBatch");
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		TimestampTz until = TimestampTzPlusMilliseconds(now, LOOK_EVERY);
		bool ended;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		pool_lock();
		if (deadline != 0 && now >= deadline && !over)
		{
			over = true;
			cancel_running_calls_locked(slot, waiting->shared);
		}
		for (int i = 0; over && i < slot->nroles; i++)
			end_waiting_calls_locked(slot, waiting->shared, i, FATE_NOT_STARTED);
		end_calls_without_worker_locked(slot, waiting->shared);
		ended = slot->ndone == slot->ncalls;
		pool_unlock();
		if (ended)
			return;
		if (now >= next_look && deadlock_check() == DEADLOCK_NOT_STARTED)
		{
			pool_lock();
			for (int i = 0; i < slot->nroles; i++)
				end_waiting_calls_locked(slot, waiting->shared, i, FATE_DEADLOCK);
			end_not_started_calls_locked(slot, waiting->shared);
			pool_unlock();
		}
		if (now >= next_look)
			next_look = TimestampTzPlusMilliseconds(now, LOOK_EVERY);
		if (deadline != 0 && !over)
			until = Min(until, deadline);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max(1, (until - now + 999) / 1000), event);
	}
}

/* Copy what became of the calls from the shared memory. */
static void
copy_fates(Batch *batch, const SharedBatch *shared)
{
	int n = 0;

	for (int i = 0; i < batch->ncalls; i++)
	{
		if (!OidIsValid(batch->calls[i].role))
			continue;
		batch->calls[i].fate = shared->calls[n].fate;
		batch->calls[i].execution_id = shared->calls[n].execution_id;
		n++;
	}
}

/*
 * Run the live calls of a batch in workers and wait for them, for at most timeout
 * ms; a timeout of 0 sets no limit.
 */
void
parallel_run(Batch *batch, int64 timeout)
{
	BatchSlot own = {0};
	BatchWait waiting;
	dsm_segment *segment;
	volatile TimestampTz deadline = 0;

	Assert(pool != NULL);
	Assert(batch->nlive > 0);
	if (timeout > 0)
		deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
											   Min(timeout, (int64) PG_INT32_MAX * 1000));
	segment = dsm_create(offsetof(SharedBatch, calls) + batch->nlive * sizeof(SharedCall), 0);
	waiting.shared = dsm_segment_address(segment);
	fill_shared_batch(batch, &own, waiting.shared);
	own.handle = dsm_segment_handle(segment);

	while ((waiting.index = publish_batch(&own)) < 0)
	{
		/* There is no room for another batch: wait for one to end. */
		if (deadline != 0 && GetCurrentTimestamp() >= deadline)
			report_limit("wfo_too_many_batches", errmsg("too many batches at the same time"),
						 errdetail("The limit is %d.", POOL_BATCHES), errhint("Try again later."));
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 50,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	PG_ENSURE_ERROR_CLEANUP(withdraw_batch, PointerGetDatum(&waiting));
	{
		wait_for_batch(&waiting, deadline);
	}
	PG_END_ENSURE_ERROR_CLEANUP(withdraw_batch, PointerGetDatum(&waiting));
	withdraw_batch(0, PointerGetDatum(&waiting));
	copy_fates(batch, waiting.shared);
	dsm_detach(segment);
}
