/*
 * block.c
 *	  Keeps workers out of a database that a command needs for itself.
 *
 * This file owns the pool's blocks.  Whoever blocks a database unblocks it when
 * its command ends; a block whose process has ended is free again.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/procarray.h"
#include "worker/pool/block.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"

/* Whether no worker is to be in the database, since somebody drops or copies it. */
bool
pool_is_blocked(Oid database)
{
	for (int i = 0; i < POOL_BLOCKS; i++)
		if (pool->blocks[i].pid != 0 && pool->blocks[i].database == database)
			return true;
	return false;
}

static bool
has_idle_process(Oid database)
{
	for (int i = 0; i < pool->nslots; i++)
	{
		const Slot *slot = &pool->slots[i];

		if (slot->database == database &&
			(slot->state == SLOT_STARTING || slot->state == SLOT_IDLE))
			return true;
	}
	return pool->keeper.database == database;
}

/*
 * Keep workers out of a database until pool_unblock_databases, and wait until
 * the idle ones have left.  A busy one is like any other connection.
 */
void
pool_block_database(Oid database)
{
	bool blocked = false;

	pool_lock();
	for (int i = 0; i < POOL_BLOCKS && !blocked; i++)
	{
		/* What a process that has ended left behind is free again. */
		if (pool->blocks[i].pid != 0 && BackendPidGetProc(pool->blocks[i].pid) != NULL)
			continue;
		pool->blocks[i].database = database;
		pool->blocks[i].pid = MyProcPid;
		blocked = true;
	}
	for (int i = 0; i < pool->nslots; i++)
	{
		Slot *slot = &pool->slots[i];

		if (slot->state == SLOT_FREE || slot->database != database)
			continue;
		slot->evict = true;
		if (slot->latch != NULL)
			SetLatch(slot->latch);
	}
	pool_unlock();

	/* The server itself waits 5 s for what is left. */
	for (int i = 0; blocked && i < 200; i++)
	{
		bool any;

		pool_lock();
		any = has_idle_process(database);
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
	pool_wake_launcher();
	pool_unlock();
}

/* The database is no more: nothing is to be started there. */
void
pool_forget_database(Oid database)
{
	pool_lock();
	for (int i = 0; i < POOL_GROUPS; i++)
		if (pool->groups[i].database == database)
			pool_forget_tasks(&pool->groups[i]);
	pool_unlock();
}
