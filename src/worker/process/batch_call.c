/*
 * batch_call.c
 *	  The calls of batches, as a worker takes and reports them.
 *
 * A worker is attached to the memory of one batch at a time.  This file owns that
 * attachment and what a worker changes in the memory.  The caller's side is
 * client/parallel.c; what a call does is the engine's business.
 */
#include "postgres.h"

#include "utils/timestamp.h"
#include "worker/pool/batch.h"
#include "worker/pool/pool.h"
#include "worker/process/batch_call.h"

/* How often a call may find its proposal locked before it fails. */
#define MAX_BUSY 20

/* The batch to which this worker is attached. */
static struct
{
	dsm_segment *segment;
	SharedBatch *shared;
	int batch;
	uint64 generation;
} attached;

static void
detach_batch(void)
{
	if (attached.segment != NULL)
		dsm_detach(attached.segment);
	attached.segment = NULL;
}

/* Whether this worker is attached to the batch that is at a place now. */
static bool
is_attached_to_locked(int index)
{
	Assert(pool_is_locked());
	return attached.segment != NULL && attached.batch == index && pool->batches[index].used &&
		   pool->batches[index].generation == attached.generation;
}

/* Detach from a batch that has ended. */
void
batch_call_detach_if_over(void)
{
	bool over;

	pool_lock();
	over = attached.segment != NULL && !is_attached_to_locked(attached.batch);
	pool_unlock();
	if (over)
		detach_batch();
}

/* Whether a batch has a call of a role that may run at a time. */
static bool
batch_has_ready_locked(const BatchSlot *slot, Oid role, TimestampTz now)
{
	int index = batch_role_index(slot, role);

	Assert(pool_is_locked());
	return index >= 0 && slot->waiting[index] > 0 && slot->not_before[index] <= now;
}

/*
 * Whether a batch has a call for the role that may run now.  If not, and one may
 * run before *next, *next is set to that time; 0 is never.
 */
bool
batch_call_is_ready_locked(Oid database, Oid role, TimestampTz *next)
{
	TimestampTz now = GetCurrentTimestamp();

	Assert(pool_is_locked());
	for (int i = 0; i < POOL_BATCHES; i++)
	{
		const BatchSlot *slot = &pool->batches[i];
		int index;

		if (!slot->used || slot->database != database)
			continue;
		if (batch_has_ready_locked(slot, role, now))
			return true;
		index = batch_role_index(slot, role);
		if (index >= 0 && slot->waiting[index] > 0 &&
			(*next == 0 || slot->not_before[index] < *next))
			*next = slot->not_before[index];
	}
	return false;
}

/*
 * Attach to the next batch that has a call for the role that may run now: false
 * if there is none.
 */
bool
batch_call_attach(Oid database, Oid role)
{
	TimestampTz now = GetCurrentTimestamp();
	dsm_handle handle = 0;
	int found = -1;
	uint64 generation = 0;

	pool_lock();
	for (int n = 1; n <= POOL_BATCHES && found < 0; n++)
	{
		/* Batches have their turns, beginning with the one after the last. */
		int i = (attached.batch + n) % POOL_BATCHES;
		const BatchSlot *slot = &pool->batches[i];

		if (!slot->used || slot->database != database || !batch_has_ready_locked(slot, role, now))
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

	detach_batch();
	attached.segment = dsm_attach(handle);
	if (attached.segment == NULL)
		return false;
	dsm_pin_mapping(attached.segment);
	attached.shared = dsm_segment_address(attached.segment);
	attached.batch = found;
	attached.generation = generation;
	return true;
}

/* Take a waiting call out of its list; previous is the one before it, or -1. */
static void
unlink_waiting_locked(BatchSlot *slot, SharedBatch *shared, int index, int previous)
{
	SharedCall *call = &shared->calls[index];

	Assert(pool_is_locked());
	Assert(call->state == CALL_WAITING);
	if (previous < 0)
		shared->first[call->role] = call->next;
	else
		shared->calls[previous].next = call->next;
	if (shared->last[call->role] == index)
		shared->last[call->role] = previous;
	slot->waiting[call->role]--;
}

/*
 * The first call of a role that may run now, taken out of its list; -1 if there is
 * none, and then the batch says when there will be one.
 */
static int
find_ready_call_locked(BatchSlot *slot, SharedBatch *shared, int role)
{
	TimestampTz now = 0;
	TimestampTz next = 0;
	int previous = -1;

	Assert(pool_is_locked());
	for (int i = shared->first[role]; i >= 0; previous = i, i = shared->calls[i].next)
	{
		const SharedCall *call = &shared->calls[i];

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
		unlink_waiting_locked(slot, shared, i, previous);
		return i;
	}
	if (next != 0)
		slot->not_before[role] = next;
	return -1;
}

/*
 * Take a call of the batch to which this worker is attached, and note in both
 * places who has it: false if no call may run now.  The result refers to the
 * memory of the batch.
 */
bool
batch_call_take_locked(WorkerSlot *slot, WorkerCall *call)
{
	BatchSlot *batch = &pool->batches[attached.batch];
	SharedBatch *shared = attached.shared;
	SharedCall *taken;
	int role;
	int index;

	Assert(pool_is_locked());
	if (!is_attached_to_locked(attached.batch))
		return false;
	role = batch_role_index(batch, slot->role);
	index = role >= 0 ? find_ready_call_locked(batch, shared, role) : -1;
	if (index < 0)
		return false;
	taken = &shared->calls[index];
	taken->state = CALL_RUNNING;
	taken->slot = (int) (slot - pool->slots);
	taken->slot_generation = slot->generation;
	slot->place.batch = attached.batch;
	slot->place.generation = attached.generation;
	slot->place.call = index;
	*call = (WorkerCall){.queued.proposal_id = taken->proposal_id,
						 .execution_id = taken->execution_id,
						 .attempts = taken->attempts,
						 .actor_id = shared->has_actor ? &shared->actor_id : NULL,
						 .login = NameStr(shared->login),
						 .history = taken->history};
	return true;
}

/* The call at a place, if a worker that is attached to its batch still has it; else NULL. */
static SharedCall *
running_batch_call_locked(const BatchPlace *place)
{
	SharedCall *call;

	Assert(pool_is_locked());
	if (!is_attached_to_locked(place->batch) || attached.generation != place->generation)
		return NULL;
	call = &attached.shared->calls[place->call];
	/* The caller may have given it up. */
	return call->state == CALL_RUNNING ? call : NULL;
}

/* Tell the caller what became of a call, or have it wait to be tried again. */
void
batch_call_report(const BatchPlace *place, const WorkReport *report)
{
	SharedCall *call;

	Assert(place->batch >= 0);
	Assert(report->end != WORK_STARTED);
	pool_lock();
	call = running_batch_call_locked(place);
	if (call != NULL)
	{
		BatchSlot *slot = &pool->batches[place->batch];

		call->execution_id = report->execution_id;
		if (report->end == WORK_LATER && (report->attempted || call->busy++ < MAX_BUSY))
		{
			call->attempts += report->attempted;
			call->not_before = report->later;
			call->execution_id = 0;
			batch_append_waiting(slot, attached.shared, place->call);
		}
		else
			batch_end_call_locked(slot, call, report->end == WORK_DONE ? FATE_DONE : FATE_GONE);
	}
	pool_unlock();
}

/* Have the call of a worker that ends wait for another one, unless the caller has given it up. */
void
batch_call_give_back_locked(const WorkerSlot *slot, bool timed_out)
{
	SharedCall *call;

	Assert(pool_is_locked());
	Assert(slot->state == SLOT_BUSY && slot->place.batch >= 0);
	call = running_batch_call_locked(&slot->place);
	if (call == NULL)
		return;
	call->execution_id = slot->execution_id;
	call->history.losses += slot->execution_id != 0;
	call->history.timed_out |= timed_out;
	call->history.started_at = slot->since;
	batch_append_waiting(&pool->batches[slot->place.batch], attached.shared, slot->place.call);
}
