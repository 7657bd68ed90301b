/*
 * blocker.c
 *	  Which processes keep a queued call from starting.
 *
 * This file owns the list of such processes, for the search for deadlocks.  It takes
 * no lock that it would wait for, and knows nothing of the pool.
 *
 * The server knows of no wait of a call that no worker has taken: the call is only a
 * row.  But no worker can start and end the call while another process holds a lock
 * on the tables that conflicts with a worker's, or waits for such a lock, since
 * later requests queue behind it; nor while another process has locked the row of
 * the proposal.
 */
#include "postgres.h"

#include "base/peek.h"
#include "engine/run/blocker.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "store/proposal.h"
#include "store/table.h"

/* The tables to which a worker writes for each call, and its lock on them. */
static const StoreTable written[] = {STORE_PROPOSAL, STORE_EXECUTION, STORE_QUEUE, STORE_AUDIT_LOG};
#define LOCK_OF_WRITES RowExclusiveLock

static bool
is_written(Oid relation, const Oid *relations)
{
	for (int i = 0; i < (int) lengthof(written); i++)
		if (relations[i] == relation)
			return true;
	return false;
}

/* Whether a lock, or a wait for a lock, conflicts with the lock of writers. */
static bool
shuts_out_writers(const LockInstanceData *lock)
{
	for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++)
		if (((lock->holdMask & LOCKBIT_ON(mode)) != 0 || lock->waitLockMode == mode) &&
			DoLockModesConflict(mode, LOCK_OF_WRITES))
			return true;
	return false;
}

/* Visit the processes that keep every call of this database from starting or ending. */
void
blockers_of_calls(BlockerVisit visit, void *arg)
{
	LockData *locks = GetLockStatusData();
	Oid relations[lengthof(written)];

	for (int i = 0; i < (int) lengthof(written); i++)
		relations[i] = store_table_oid(written[i]);
	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];

		/* A prepared transaction has no process; it is assumed to end. */
		if (lock->locktag.locktag_type == LOCKTAG_RELATION &&
			lock->locktag.locktag_field1 == MyDatabaseId && lock->pid != 0 &&
			is_written(lock->locktag.locktag_field2, relations) && shuts_out_writers(lock))
			visit(lock->pid, arg);
	}
}

/* The transactions that have locked the row of a proposal. */
typedef struct Lockers
{
	int64 proposal_id;
	TransactionId *xids;
	int count;
} Lockers;

static void
list_lockers(void *arg)
{
	Lockers *lockers = arg;

	if (store_try_lock_shared(STORE_PROPOSAL))
		lockers->xids = proposal_lockers(lockers->proposal_id, &lockers->count);
}

/* Visit the processes that have locked a proposal's row. */
void
blockers_of_proposal(int64 proposal_id, BlockerVisit visit, void *arg)
{
	Lockers lockers = {.proposal_id = proposal_id};

	peek(list_lockers, &lockers);
	for (int i = 0; i < lockers.count; i++)
	{
		int pid = BackendXidGetPid(lockers.xids[i]);

		if (pid != 0)
			visit(pid, arg);
	}
}
