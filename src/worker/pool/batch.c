/*
 * batch.c
 *	  The calls of a batch in dynamic shared memory.
 *
 * The caller of execute_parallel makes the memory and waits (client/parallel.c);
 * workers attach to it and take the calls (process/batch_call.c).  This file owns
 * the lists of waiting calls, one per role, and the count of calls that have ended;
 * both sides change them here.  The memory is protected by the pool's lock,, but
 * belongs to its caller alone until the batch is published.
 */
#include "postgres.h"

#include "worker/pool/batch.h"
#include "worker/pool/pool.h"

/* The index of a role in the batch; -1 if no call of it has the role. */
int
batch_role_index(const BatchSlot *slot, Oid role)
{
	for (int i = 0; i < slot->nroles; i++)
		if (slot->roles[i] == role)
			return i;
	return -1;
}

/* Have a call wait for a worker, as the last one of its role. */
void
batch_append_waiting(BatchSlot *slot, SharedBatch *shared, int index)
{
	SharedCall *call = &shared->calls[index];

	Assert(!slot->used || pool_is_locked());
	Assert(call->state != CALL_ENDED);
	Assert(call->role >= 0 && call->role < slot->nroles);
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

/* End a call, and wake the caller after the last one. */
void
batch_end_call_locked(BatchSlot *slot, SharedCall *call, BatchFate fate)
{
	Assert(pool_is_locked());
	Assert(slot->used && call->state != CALL_ENDED);
	Assert(fate != FATE_NONE);
	call->state = CALL_ENDED;
	call->fate = fate;
	slot->ndone++;
	if (slot->ndone == slot->ncalls)
		SetLatch(slot->latch);
}
