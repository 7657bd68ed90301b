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
#include "worker/pool/group.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"

/* How often a call finds its proposal locked before it fails. */
#define MAX_BUSY 20

/* How often the caller looks whether it waits in vain, in ms. */
#define LOOK_EVERY 500

typedef enum CallState
{
	CALL_WAITING,
	CALL_RUNNING,
	CALL_ENDED
} CallState;

typedef struct SharedCall
{
	int64 proposal_id;
	int64 execution_id;
	int64 attempts;
	TimestampTz not_before; /* 0: it has not failed yet */
	TimestampTz started_at;
	CallState state;
	BatchFate fate;
	int role;
	int next; /* of the same role that waits; -1: the last */
	int busy; /* how often another session had its proposal */
	int losses;
	bool timed_out;
	int slot; /* while it runs */
	uint64 slot_generation;
} SharedCall;

typedef struct SharedBatch
{
	bool has_actor;
	int64 actor_id;
	NameData login;
	int first[POOL_BATCH_ROLES]; /* -1: none waits */
	int last[POOL_BATCH_ROLES];
	SharedCall calls[FLEXIBLE_ARRAY_MEMBER];
} SharedBatch;

/* What a worker is attached to. */
static struct
{
	dsm_segment *segment;
	SharedBatch *shared;
	int batch;
	uint64 generation;
} attached;

static void
append_waiting(BatchSlot *slot, SharedBatch *shared, int index)
{
	SharedCall *call = &shared->calls[index];

	call->state = CALL_WAITING;
	call->next = -1;
	if (shared->first[call->role] < 0)
		shared->first[call->role] = index;
	else
		shared->calls[shared->last[call->role]].next = index;
	shared->last[call->role] = index;
	if (slot->waiting[call->role]++ == 0 || call->not_before < slot->not_before[call->role])
		slot->not_before[call->role] = call->not_before;
}

static void
end_call(BatchSlot *slot, SharedCall *call, BatchFate fate)
{
	call->state = CALL_ENDED;
	call->fate = fate;
	slot->ndone++;
	if (slot->ndone == slot->ncalls)
		SetLatch(slot->latch);
}

/* The caller's side */

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
		append_waiting(slot, shared, n++);
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
			append_waiting(slot, shared, index);
		else
			end_call(slot, call, fate);
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
		end_call(slot, call, FATE_DEADLOCK);
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

/* The workers' side */

static void
detach(void)
{
	if (attached.segment != NULL)
		dsm_detach(attached.segment);
	attached.segment = NULL;
}

static bool
is_attached_to(int index)
{
	return attached.segment != NULL && attached.batch == index && pool->batches[index].used &&
		   pool->batches[index].generation == attached.generation;
}

/* Let go of the memory of a batch that has ended. */
void
parallel_detach_if_over(void)
{
	bool over;

	pool_lock();
	over = attached.segment != NULL && !is_attached_to(attached.batch);
	pool_unlock();
	if (over)
		detach();
}

static int
role_in(const BatchSlot *slot, Oid role)
{
	for (int i = 0; i < slot->nroles; i++)
		if (slot->roles[i] == role)
			return i;
	return -1;
}

/* Whether a batch has calls of a role, and one of them may run at this time. */
static bool
has_ready(const BatchSlot *slot, Oid role, TimestampTz now)
{
	int index = role_in(slot, role);

	return index >= 0 && slot->waiting[index] > 0 && slot->not_before[index] <= now;
}

/*
 * Whether a batch has a call for the role that may run now; if not, next is
 * set to when one has, where that comes first.
 */
bool
parallel_is_ready_locked(Oid database, Oid role, TimestampTz *next)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < POOL_BATCHES; i++)
	{
		const BatchSlot *slot = &pool->batches[i];
		int index;

		if (!slot->used || slot->database != database)
			continue;
		if (has_ready(slot, role, now))
			return true;
		index = role_in(slot, role);
		if (index >= 0 && slot->waiting[index] > 0 &&
			(*next == 0 || slot->not_before[index] < *next))
			*next = slot->not_before[index];
	}
	return false;
}

/*
 * Attach to a batch that has calls for the role, unless the worker is attached
 * to such a one: false where there is none.
 */
bool
parallel_attach(Oid database, Oid role)
{
	TimestampTz now = GetCurrentTimestamp();
	dsm_handle handle = 0;
	int found = -1;
	uint64 generation = 0;

	pool_lock();
	for (int n = 1; n <= POOL_BATCHES && found < 0; n++)
	{
		/* In turn, beginning with the one after the last. */
		int i = (attached.batch + n) % POOL_BATCHES;
		const BatchSlot *slot = &pool->batches[i];

		if (!slot->used || slot->database != database || !has_ready(slot, role, now))
			continue;
		found = i;
		handle = slot->handle;
		generation = slot->generation;
	}
	pool_unlock();
	if (found < 0)
		return false;
	if (attached.segment != NULL && attached.batch == found && attached.generation == generation)
		return true;

	detach();
	attached.segment = dsm_attach(handle);
	if (attached.segment == NULL)
		return false;
	dsm_pin_mapping(attached.segment);
	attached.shared = dsm_segment_address(attached.segment);
	attached.batch = found;
	attached.generation = generation;
	return true;
}

/* Take a call of the batch that the worker is attached to, if one may run now. */
bool
parallel_take_locked(Oid role, BatchTask *task)
{
	BatchSlot *slot = &pool->batches[attached.batch];
	SharedBatch *shared = attached.shared;
	TimestampTz now = 0;
	TimestampTz next = 0;
	int index;
	int previous = -1;

	if (!is_attached_to(attached.batch))
		return false;
	index = role_in(slot, role);
	if (index < 0)
		return false;
	for (int i = shared->first[index]; i >= 0; previous = i, i = shared->calls[i].next)
	{
		SharedCall *call = &shared->calls[i];

		if (call->not_before != 0)
		{
			if (now == 0)
				now = GetCurrentTimestamp();
			if (call->not_before > now)
			{
				if (next == 0 || call->not_before < next)
					next = call->not_before;
				continue;
			}
		}
		if (previous < 0)
			shared->first[index] = call->next;
		else
			shared->calls[previous].next = call->next;
		if (shared->last[index] == i)
			shared->last[index] = previous;
		slot->waiting[index]--;
		call->state = CALL_RUNNING;
		task->batch = attached.batch;
		task->generation = attached.generation;
		task->call = i;
		task->proposal_id = call->proposal_id;
		task->execution_id = call->execution_id;
		task->attempts = call->attempts;
		task->losses = call->losses;
		task->timed_out = call->timed_out;
		task->started_at = call->started_at;
		task->actor_id = shared->has_actor ? &shared->actor_id : NULL;
		task->login = NameStr(shared->login);
		return true;
	}
	if (next != 0)
		slot->not_before[index] = next;
	return false;
}

/* Note which worker runs the call, so that the caller can cancel it. */
void
parallel_note_slot_locked(const BatchTask *task, int slot, uint64 generation)
{
	SharedCall *call = &attached.shared->calls[task->call];

	call->slot = slot;
	call->slot_generation = generation;
}

/* Tell the caller what became of a call, or put it back to be tried again. */
void
parallel_report(const BatchTask *task, const WorkReport *report)
{
	pool_lock();
	if (is_attached_to(task->batch) && attached.generation == task->generation)
	{
		BatchSlot *slot = &pool->batches[task->batch];
		SharedCall *call = &attached.shared->calls[task->call];

		/* The caller may have given it up. */
		if (call->state != CALL_RUNNING)
		{
			pool_unlock();
			return;
		}
		call->execution_id = report->execution_id;
		if (report->end == WORK_LATER && (report->attempted || call->busy++ < MAX_BUSY))
		{
			call->attempts += report->attempted;
			call->not_before = report->later;
			call->execution_id = 0;
			append_waiting(slot, attached.shared, task->call);
		}
		else
			end_call(slot, call, report->end == WORK_DONE ? FATE_DONE : FATE_GONE);
	}
	pool_unlock();
}

/* Put back the call of a worker that ends; the caller's abandoned batch is left alone. */
void
parallel_give_back_locked(const Slot *slot, bool timed_out)
{
	BatchSlot *batch = &pool->batches[slot->batch];
	SharedCall *call;

	if (!is_attached_to(slot->batch) || attached.generation != slot->batch_generation)
		return;
	call = &attached.shared->calls[slot->batch_call];
	if (call->state != CALL_RUNNING)
		return;
	call->execution_id = slot->execution_id;
	call->losses += slot->execution_id != 0;
	call->timed_out = timed_out;
	call->started_at = slot->since;
	append_waiting(batch, attached.shared, slot->batch_call);
}
