/*
 * parallel.c
 *	  Runs the calls of a batch in background workers.
 *
 * The calls stand in dynamic shared memory, since rows of the caller's
 * transaction would be invisible to the workers; the workers write the rows.
 * The caller waits, and a call is its own transaction: what has ended has
 * ended, whatever becomes of the caller.
 *
 * All of it is under the pool's lock.
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
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"

/* How often the caller looks whether it waits in vain, in ms. */
#define LOOK_EVERY 500

static int
role_index(BatchSlot *slot, Oid role)
{
	for (int i = 0; i < slot->nroles; i++)
		if (slot->roles[i] == role)
			return i;
	if (slot->nroles == POOL_BATCH_ROLES)
		return -1;
	slot->roles[slot->nroles] = role;
	return slot->nroles++;
}

/* Fill the shared memory, which nobody else knows yet. */
static void
fill(const Batch *batch, BatchSlot *slot, SharedBatch *shared)
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
		call->role = role_index(slot, batch->calls[i].role);
		if (call->role < 0)
			report_limit("wfo_too_many_calls", errmsg("too many roles in one batch"),
						 errdetail("The tools of its calls run as more than %d roles.",
								   POOL_BATCH_ROLES),
						 errhint("Execute the calls in several batches."));
		batch_append_waiting(slot, shared, n++);
	}
	slot->ncalls = n;
}

/* Make the batch known to the workers, and wake them: returns its place, or -1. */
static int
publish(const BatchSlot *own)
{
	int index = -1;

	pool_lock();
	for (int i = 0; i < POOL_BATCHES && index < 0; i++)
		if (!pool->batches[i].used)
			index = i;
	if (index >= 0)
	{
		/* As a batch of this database it keeps the groups of its roles in place. */
		pool->batches[index] = *own;
		pool->batches[index].used = true;
		pool->batches[index].database = MyDatabaseId;
	}
	for (int i = 0; i < own->nroles && index >= 0; i++)
		if (pool_group(MyDatabaseId, own->roles[i], true) == NULL)
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
			PoolGroup *group = pool_group(MyDatabaseId, slot->roles[i], false);

			/* What kept workers from starting before may be over. */
			if (group->failed_starts >= POOL_FAILED_STARTS)
			{
				group->failed_starts = POOL_FAILED_STARTS - 1;
				group->retry_start = 0;
			}
			pool_wake(group, slot->waiting[i]);
		}
	}
	pool_unlock();
	return index;
}

/*
 * Take back the calls that no worker has taken; what has timed out still needs
 * a worker, to record it.
 */
static void
end_waiting(BatchSlot *slot, SharedBatch *shared, int role, BatchFate fate)
{
	int index = shared->first[role];

	shared->first[role] = -1;
	slot->waiting[role] = 0;
	while (index >= 0)
	{
		SharedCall *call = &shared->calls[index];
		int next = call->next;

		if (call->timed_out)
			batch_append_waiting(slot, shared, index);
		else
			batch_end_call(slot, call, fate);
		index = next;
	}
}

static void
cancel_worker(Slot *worker, const char *reason)
{
	worker->cancelled = true;
	worker->deadlock = false;
	strlcpy(worker->reason, reason, POOL_REASON_MAX);
	pool_interrupt_locked(worker);
}

/* Cancel what runs. */
static void
cancel_running(BatchSlot *slot, SharedBatch *shared)
{
	for (int i = 0; i < slot->ncalls; i++)
	{
		const SharedCall *call = &shared->calls[i];
		Slot *worker = &pool->slots[call->slot];

		if (call->state == CALL_RUNNING && worker->state == SLOT_BUSY &&
			worker->generation == call->slot_generation)
			cancel_worker(worker, "The batch was cancelled, or its time was over.");
	}
}

/*
 * Give up the calls that a worker has taken but whose tools have not started:
 * they wait for locks on the tables of the extension.
 */
static void
end_not_started(BatchSlot *slot, SharedBatch *shared)
{
	for (int i = 0; i < slot->ncalls; i++)
	{
		SharedCall *call = &shared->calls[i];
		Slot *worker = &pool->slots[call->slot];

		if (call->state != CALL_RUNNING || worker->state != SLOT_BUSY ||
			worker->generation != call->slot_generation || worker->execution_id != 0)
			continue;
		cancel_worker(worker, "It could not start for a deadlock.");
		batch_end_call(slot, call, FATE_DEADLOCK);
	}
}

typedef struct Waiting
{
	int index;
	SharedBatch *shared;
} Waiting;

/* The caller is done with the batch: nothing more of it starts. */
static void
withdraw(int code, Datum arg)
{
	Waiting *waiting = (Waiting *) DatumGetPointer(arg);
	BatchSlot *slot = &pool->batches[waiting->index];

	(void) code;
	pool_lock();
	for (int i = 0; i < slot->nroles; i++)
		end_waiting(slot, waiting->shared, i, FATE_NOT_STARTED);
	cancel_running(slot, waiting->shared);
	slot->used = false;
	pool->nbatches--;
	pool_wake_launcher();
	pool_unlock();
}

/* Give up the calls of roles for which no worker can be started. */
static void
end_without_worker(BatchSlot *slot, SharedBatch *shared)
{
	for (int i = 0; i < slot->nroles; i++)
	{
		const PoolGroup *group = pool_group(MyDatabaseId, slot->roles[i], false);
		bool has_worker = false;

		for (int j = 0; j < pool->nslots; j++)
			has_worker |= pool->slots[j].state != SLOT_FREE &&
						  pool->slots[j].database == MyDatabaseId &&
						  pool->slots[j].role == slot->roles[i];
		if (!has_worker && group != NULL && group->failed_starts >= POOL_FAILED_STARTS)
			end_waiting(slot, shared, i, FATE_NO_WORKER);
	}
}

/*
 * Wait until all calls have ended.  After the deadline those that have not
 * started are taken back, and the others cancelled.
 */
static void
wait_for_end(Waiting *waiting, TimestampTz deadline)
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
			cancel_running(slot, waiting->shared);
		}
		for (int i = 0; over && i < slot->nroles; i++)
			end_waiting(slot, waiting->shared, i, FATE_NOT_STARTED);
		end_without_worker(slot, waiting->shared);
		ended = slot->ndone == slot->ncalls;
		pool_unlock();
		if (ended)
			return;
		if (now >= next_look && deadlock_check() == DEADLOCK_NOT_STARTED)
		{
			pool_lock();
			for (int i = 0; i < slot->nroles; i++)
				end_waiting(slot, waiting->shared, i, FATE_DEADLOCK);
			end_not_started(slot, waiting->shared);
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
 * Run the live calls of a batch and wait for them, for at most timeout ms or,
 * where that is 0, as long as it takes.
 */
void
parallel_run(Batch *batch, int64 timeout)
{
	BatchSlot own = {0};
	Waiting waiting;
	dsm_segment *segment;
	volatile TimestampTz deadline = 0;

	if (timeout > 0)
		deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
											   Min(timeout, (int64) PG_INT32_MAX * 1000));
	segment = dsm_create(offsetof(SharedBatch, calls) + batch->nlive * sizeof(SharedCall), 0);
	waiting.shared = dsm_segment_address(segment);
	fill(batch, &own, waiting.shared);
	own.handle = dsm_segment_handle(segment);

	while ((waiting.index = publish(&own)) < 0)
	{
		/* As many batches as there may be: wait for one to end. */
		if (deadline != 0 && GetCurrentTimestamp() >= deadline)
			report_limit("wfo_too_many_batches", errmsg("too many batches at the same time"),
						 errdetail("The limit is %d.", POOL_BATCHES), errhint("Try again later."));
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 50,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	PG_ENSURE_ERROR_CLEANUP(withdraw, PointerGetDatum(&waiting));
	{
		wait_for_end(&waiting, deadline);
	}
	PG_END_ENSURE_ERROR_CLEANUP(withdraw, PointerGetDatum(&waiting));
	withdraw(0, PointerGetDatum(&waiting));
	copy_fates(batch, waiting.shared);
	dsm_detach(segment);
}
