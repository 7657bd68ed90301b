/*
 * batch_call.c
 *	  The calls of batches, as a worker takes and reports them.
 *
 * A worker is attached to the memory of one batch at a time.  This file owns that
 * attachment and what a worker changes in the memory; the caller's side is
 * client/parallel.c.
 */
#include "postgres.h"

#include "utils/timestamp.h"
#include "worker/pool/batch.h"
#include "worker/pool/pool.h"
#include "worker/process/batch_call.h"

/* How often a call finds its proposal locked before it fails. */
#define MAX_BUSY 20

/* What a worker is attached to. */
static struct
{
	dsm_segment *segment;
	SharedBatch *shared;
	int batch;
	uint64 generation;
} attached;

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
batch_call_detach_if_over(void)
{
	bool over;

	pool_lock();
	over = attached.segment != NULL && !is_attached_to(attached.batch);
	pool_unlock();
	if (over)
		detach();
}

/* Whether a batch has calls of a role, and one of them may run at this time. */
static bool
has_ready(const BatchSlot *slot, Oid role, TimestampTz now)
{
	int index = batch_role_index(slot, role);

	return index >= 0 && slot->waiting[index] > 0 && slot->not_before[index] <= now;
}

/*
 * Whether a batch has a call for the role that may run now; if not, next is
 * set to when one has, where that comes first.
 */
bool
batch_call_is_ready_locked(Oid database, Oid role, TimestampTz *next)
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
		index = batch_role_index(slot, role);
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
batch_call_attach(Oid database, Oid role)
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
batch_call_take_locked(Oid role, BatchTask *task)
{
	BatchSlot *slot = &pool->batches[attached.batch];
	SharedBatch *shared = attached.shared;
	TimestampTz now = 0;
	TimestampTz next = 0;
	int index;
	int previous = -1;

	if (!is_attached_to(attached.batch))
		return false;
	index = batch_role_index(slot, role);
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
batch_call_note_slot_locked(const BatchTask *task, int slot, uint64 generation)
{
	SharedCall *call = &attached.shared->calls[task->call];

	call->slot = slot;
	call->slot_generation = generation;
}

/* Tell the caller what became of a call, or put it back to be tried again. */
void
batch_call_report(const BatchTask *task, const WorkReport *report)
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
			batch_append_waiting(slot, attached.shared, task->call);
		}
		else
			batch_end_call(slot, call, report->end == WORK_DONE ? FATE_DONE : FATE_GONE);
	}
	pool_unlock();
}

/* Put back the call of a worker that ends; the caller's abandoned batch is left alone. */
void
batch_call_give_back_locked(const Slot *slot, bool timed_out)
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
	batch_append_waiting(batch, attached.shared, slot->batch_call);
}
