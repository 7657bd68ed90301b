/*
 * status.c
 *	  Shows the workers, for list_workers.
 *
 * It copies the slots of all workers while it holds the pool's lock, and owns
 * nothing of the pool.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "worker/client/status.h"
#include "worker/pool/pool.h"

static const char *const state_labels[] = {
	[SLOT_FREE] = "free", [SLOT_STARTING] = "starting", [SLOT_IDLE] = "idle", [SLOT_BUSY] = "busy"};

/* Whether there is a pool, because the library is preloaded. */
bool
status_has_pool(void)
{
	return pool != NULL;
}

/*
 * Put the workers of all databases into a tuplestore: process, OIDs of database
 * and role, state, execution, since when, and the tool if it belongs to the current
 * database.
 */
void
status_list(Tuplestorestate *rows, TupleDesc desc)
{
	WorkerSlot *slots;
	int nslots;

	Assert(rows != NULL && desc->natts == 7);
	if (pool == NULL)
		return;
	slots = palloc(pool->nslots * sizeof(WorkerSlot));
	pool_lock();
	nslots = pool->nslots;
	memcpy(slots, pool->slots, nslots * sizeof(WorkerSlot));
	pool_unlock();
	for (int i = 0; i < nslots; i++)
	{
		const WorkerSlot *slot = &slots[i];
		bool runs_here = slot->state == SLOT_BUSY && slot->execution_id != 0 &&
						 slot->database == MyDatabaseId;
		Datum values[7];
		bool nulls[7] = {0};

		if (slot->state == SLOT_FREE)
			continue;
		nulls[0] = slot->pid == 0;
		values[0] = Int64GetDatum(slot->pid);
		values[1] = ObjectIdGetDatum(slot->database);
		values[2] = ObjectIdGetDatum(slot->role);
		values[3] = CStringGetTextDatum(state_labels[slot->state]);
		nulls[4] = slot->state != SLOT_BUSY || slot->execution_id == 0;
		values[4] = Int64GetDatum(slot->execution_id);
		values[5] = TimestampTzGetDatum(slot->since);
		nulls[6] = !runs_here;
		values[6] = runs_here ? CStringGetTextDatum(slot->tool) : (Datum) 0;
		tuplestore_putvalues(rows, desc, values, nulls);
	}
}
