/*
 * roles.c
 *	  Keeps workers away from roles that cannot connect.
 *
 * The worker of a role that was dropped, or is not allowed to connect any more,
 * leaves when it is idle.  The launcher starts no worker for such a role, since
 * that worker would only end with an error in the log.
 *
 * This file owns that check, for the launcher.  What becomes of the role's calls
 * is the keeper's business.
 */
#include "postgres.h"

#include "access/xact.h"
#include "engine/tool/run_as.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "worker/pool/pool.h"
#include "worker/process/roles.h"

/* What of a worker is looked at without the pool's lock. */
typedef struct Employed
{
	uint64 generation; /* 0: there is no worker */
	Oid database;
	Oid role;
	bool may_stay;
} Employed;

/* Whether a worker could connect to a database as a role.  Runs in a transaction of its own. */
bool
roles_can_connect(Oid database, Oid role)
{
	bool result;

	Assert(!IsTransactionState());
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	result = run_as_connect_problem(database, role) == NULL;
	CommitTransactionCommand();
	return result;
}

/* Have the workers whose roles cannot connect any more leave after their call. */
void
roles_dismiss_workers(void)
{
	Employed *workers = palloc0(pool->nslots * sizeof(Employed));

	Assert(pool->launcher == MyLatch);
	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		const WorkerSlot *slot = &pool->slots[i];

		if (slot->state == SLOT_FREE || slot->evict)
			continue;
		workers[i].generation = slot->generation;
		workers[i].database = slot->database;
		workers[i].role = slot->role;
	}
	pool_unlock();
	/* A commit wakes the launcher a moment before it invalidates the caches. */
	InvalidateSystemCaches();
	for (int i = 0; i < pool->nslots; i++)
		if (workers[i].generation != 0)
			workers[i].may_stay = roles_can_connect(workers[i].database, workers[i].role);
	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];

		if (workers[i].generation == 0 || workers[i].may_stay ||
			slot->generation != workers[i].generation || slot->state == SLOT_FREE)
			continue;
		pool_evict_locked(slot);
	}
	pool_unlock();
	pfree(workers);
}
