/*
 * block.c
 *	  Keeps workers out of a database that a command needs for itself.
 *
 * This file owns the pool's blocks.  A process that blocks a database unblocks it
 * when its command ends; the block of a process that has ended is free again.
 * Which commands need a database is the business of client/utility.c.
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/procarray.h"
#include "worker/pool/block.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/pool/refusal.h"
#include "worker/pool/seal.h"

/* Whether workers are kept out of a database. */
bool
pool_is_blocked_locked(Oid database)
{
	Assert(pool_is_locked());
	for (int i = 0; i < POOL_BLOCKS; i++)
		if (pool->blocks[i].pid != 0 && pool->blocks[i].database == database)
			return true;
	return false;
}

/* Whether a keeper, the sealer, the cleaner, or a worker that runs no call, is in the database. */
static bool
has_idle_process_locked(Oid database)
{
	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
	{
		const WorkerSlot *slot = &pool->slots[i];

		if (slot->database == database &&
			(slot->state == SLOT_STARTING || slot->state == SLOT_IDLE))
			return true;
	}
	return pool->keeper.database == database ||
		   (pool->cleaner.pid != 0 && pool->cleaner.database == database) ||
		   (pool->sealer.database == database && !pool->sealer.done);
}

/*
 * Keep workers out of a database until pool_unblock_databases() is called, and
 * wait until the idle workers have left.  A busy worker is like any other
 * connection.  The sealer and the cleaner break off what they do.
 */
void
pool_block_database(Oid database)
{
	bool blocked = false;

	Assert(OidIsValid(database));
	pool_lock();
	for (int i = 0; i < POOL_BLOCKS && !blocked; i++)
	{
		/* The block of a process that has ended is free again. */
		if (pool->blocks[i].pid != 0 && BackendPidGetProc(pool->blocks[i].pid) != NULL)
			continue;
		pool->blocks[i].database = database;
		pool->blocks[i].pid = MyProcPid;
		blocked = true;
	}
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];

		if (slot->state == SLOT_FREE || slot->database != database)
			continue;
		pool_evict_locked(slot);
	}
	if (pool->sealer.database == database)
		seal_leave_locked();
	if (pool->cleaner.pid != 0 && pool->cleaner.database == database)
		(void) kill(pool->cleaner.pid, SIGTERM);
	pool_unlock();

	/* The command itself waits 5 s for the remaining connections. */
	for (int i = 0; blocked && i < 200; i++)
	{
		bool any;

		pool_lock();
		any = has_idle_process_locked(database);
		pool_unlock();
		if (!any)
			break;
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* Let workers into the databases that this process has blocked. */
void
pool_unblock_databases(void)
{
	pool_lock();
	for (int i = 0; i < POOL_BLOCKS; i++)
		if (pool->blocks[i].pid == MyProcPid)
			pool->blocks[i].pid = 0;
	pool_wake_launcher_locked();
	pool_unlock();
}

/* Forget the calls of a database that has been dropped. */
void
pool_forget_database(Oid database)
{
	refusal_forget_database(database);
	pool_lock();
	for (int i = 0; i < pool->ngroups; i++)
		if (pool->groups[i].database == database)
			group_forget_calls_locked(&pool->groups[i]);
	if (seal_find_locked(database) != NULL)
		seal_forget_locked(seal_find_locked(database), "the database was dropped");
	pool_unlock();
}
