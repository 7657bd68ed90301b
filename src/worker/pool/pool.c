/*
 * pool.c
 *	  The pool of background workers in shared memory.
 *
 * See pool.h.  This file has what more than one of launcher, workers, callers
 * and waiters does with it.
 */
#include "postgres.h"

#include "base/names.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "worker/pool/pool.h"

Pool *pool = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static Size
pool_size(void)
{
	Size size = add_size(offsetof(Pool, slots), mul_size(max_worker_processes, sizeof(Slot)));

	return add_size(MAXALIGN(size), mul_size(max_worker_processes, sizeof(Crash)));
}

static void
request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(pool_size());
	RequestNamedLWLockTranche(WFO_NAME, 1);
}

static void
set_up_memory(void)
{
	bool found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	pool = ShmemInitStruct(WFO_NAME, pool_size(), &found);
	if (!found)
	{
		memset(pool, 0, pool_size());
		pool->lock = &GetNamedLWLockTranche(WFO_NAME)->lock;
		pool->nslots = max_worker_processes;
		pool->crashes = (Crash *) ((char *) pool + MAXALIGN(offsetof(Pool, slots) +
															max_worker_processes * sizeof(Slot)));
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Have the server set up the pool at its start. */
void
pool_define(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = set_up_memory;
}

void
pool_lock(void)
{
	LWLockAcquire(pool->lock, LW_EXCLUSIVE);
}

/* Workers to be woken when the lock is free: they take it first of all. */
static Latch *to_wake[64];
static int nto_wake = 0;

void
pool_unlock(void)
{
	LWLockRelease(pool->lock);
	while (nto_wake > 0)
		SetLatch(to_wake[--nto_wake]);
}

/* Set a latch when the lock is given back. */
void
pool_wake_at_unlock(Latch *latch)
{
	if (nto_wake < (int) lengthof(to_wake))
		to_wake[nto_wake++] = latch;
	else
		SetLatch(latch);
}

void
pool_wake_launcher(void)
{
	if (pool->launcher != NULL)
		SetLatch(pool->launcher);
}

/* Have a keeper look through the queue of a database. */
void
pool_request_visit_locked(Oid database)
{
	pool_wake_launcher();
	for (int i = 0; i < pool->nvisits; i++)
		if (pool->visits[i] == database)
			return;
	if (pool->nvisits == POOL_VISITS)
		pool->visit_all = true;
	else
		pool->visits[pool->nvisits++] = database;
}

void
pool_request_visit(Oid database)
{
	pool_lock();
	pool_request_visit_locked(database);
	pool_unlock();
}

/* Have the launcher look which roles can connect: one was dropped or changed. */
void
pool_check_roles(void)
{
	if (pool == NULL)
		return;
	pool_lock();
	pool->check_roles = true;
	pool_wake_launcher();
	pool_unlock();
}
