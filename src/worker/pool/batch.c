/*
 * batch.c
 *	  The calls of a batch in dynamic shared memory.
 *
 * The caller of execute_parallel makes the memory and waits (client/parallel.c);
 * workers attach to it and take the calls (process/batch_call.c).  This file owns
 * the lists of waiting calls, one per role, which both of them change.  All of it
 * is under the pool's lock.
 */
#include "postgres.h"

#include "worker/pool/batch.h"
#include "worker/pool/pool.h"

int
batch_role_index(const BatchSlot *slot, Oid role)
{
	for (int i = 0; i < slot->nroles; i++)
		if (slot->roles[i] == role)
			return i;
	return -1;
}

void
batch_append_waiting(BatchSlot *slot, SharedBatch *shared, int index)
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

void
batch_end_call(BatchSlot *slot, SharedCall *call, BatchFate fate)
{
	call->state = CALL_ENDED;
	call->fate = fate;
	slot->ndone++;
	if (slot->ndone == slot->ncalls)
		SetLatch(slot->latch);
}
