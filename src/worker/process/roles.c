/*
 * roles.c
 *	  Keeps workers away from roles that cannot connect.
 *
 * For the launcher.  A worker of a role that was dropped, or may not connect any
 * more, leaves when it is idle, and none is started for such a role: it would
 * only end with an error in the log.  What becomes of the role's calls is the
 * keeper's business.
 */
#include "postgres.h"

#include "access/xact.h"
#include "engine/tool/run_as.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "worker/pool/pool.h"
#include "worker/process/roles.h"

/* Of a worker, what is looked at without the pool's lock. */
typedef struct Employed
{
	uint64 generation; /* 0: there is none */
	Oid database;
	Oid role;
	bool may_stay;
} Employed;

/* Whether a worker could connect to a database as a role, in a transaction of its own. */
bool
roles_can_connect(Oid database, Oid role)
{
	bool result;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	result = run_as_connect_problem(database, role) == NULL;
	CommitTransactionCommand();
	return result;
}

/* Have the workers leave whose roles cannot connect any more, once they are done with their call. */
void
roles_dismiss_workers(void)
{
	Employed *workers = palloc0(pool->nslots * sizeof(Employed));

	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		const Slot *slot = &pool->slots[i];

		if (slot->state == SLOT_FREE || slot->evict)
			continue;
		workers[i].generation = slot->generation;
		workers[i].database = slot->database;
		workers[i].role = slot->role;
	}
	pool_unlock();
	/* A commit tells us of its change a moment before it tells the caches. */
	InvalidateSystemCaches();
	for (int i = 0; i < pool->nslots; i++)
		if (workers[i].generation != 0)
			workers[i].may_stay = roles_can_connect(workers[i].database, workers[i].role);
	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		Slot *slot = &pool->slots[i];

		if (workers[i].generation == 0 || workers[i].may_stay ||
			slot->generation != workers[i].generation || slot->state == SLOT_FREE)
			continue;
		slot->evict = true;
		if (slot->latch != NULL)
			SetLatch(slot->latch);
	}
	pool_unlock();
	pfree(workers);
}
