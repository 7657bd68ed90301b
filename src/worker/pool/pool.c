/*
 * pool.c
 *	  The pool of background workers in shared memory.
 *
 * See pool.h.  This file owns the memory, its locks, the wake-ups that wait for
 * the end of the lock, and the requests to the launcher.  The other files of this
 * folder each own one part of the pool.
 */
#include "postgres.h"

#include "base/names.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "worker/pool/pool.h"
#include "worker/pool/refusal.h"

Pool *pool = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* Set aside room for count members behind what takes *size bytes; returns where it begins. */
static Size
append_array(Size *size, int count, Size member)
{
	Size begin = MAXALIGN(*size);

	*size = add_size(begin, mul_size(count, member));
	return begin;
}

/* Where the arrays begin whose length the server's settings say. */
typedef struct PoolLayout
{
	Size crashes;
	Size uncommitted;
	Size list_owners;
	Size lists;
	Size refusals;
	Size size;
} PoolLayout;

static PoolLayout
pool_layout(void)
{
	PoolLayout layout = {.size = offsetof(Pool, slots)};
	Size *size = &layout.size;
	int nlists = max_worker_processes + POOL_SPARE_LISTS;

	(void) append_array(size, max_worker_processes, sizeof(WorkerSlot));
	layout.crashes = append_array(size, max_worker_processes, sizeof(Crash));
	layout.uncommitted = append_array(size, max_worker_processes,
									  GROUP_SIZE_MAX * sizeof(PoolCall));
	layout.list_owners = append_array(size, nlists, sizeof(PoolGroup *));
	layout.lists = append_array(size, nlists, POOL_CALLS * sizeof(PoolCall));
	layout.refusals = append_array(size, 1, refusal_size());
	return layout;
}

static void
request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(pool_layout().size);
	RequestNamedLWLockTranche(WFO_NAME, 2);
}

static void
set_up_memory(void)
{
	PoolLayout layout = pool_layout();
	bool found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	pool = ShmemInitStruct(WFO_NAME, layout.size, &found);
	if (!found)
	{
		memset(pool, 0, layout.size);
		for (int i = 0; i < POOL_SEALS; i++)
		{
			pg_atomic_init_u32(&pool->seals[i].due, 0);
			ConditionVariableInit(&pool->seals[i].turn_ended);
		}
		pool->lock = &GetNamedLWLockTranche(WFO_NAME)->lock;
		pool->nslots = max_worker_processes;
		pool->nlists = max_worker_processes + POOL_SPARE_LISTS;
		pool->crashes = (Crash *) ((char *) pool + layout.crashes);
		pool->uncommitted = (PoolCall *) ((char *) pool + layout.uncommitted);
		pool->list_owners = (PoolGroup **) ((char *) pool + layout.list_owners);
		pool->lists = (PoolCall *) ((char *) pool + layout.lists);
	}
	refusal_init((char *) pool + layout.refusals, &GetNamedLWLockTranche(WFO_NAME)[1].lock, found);
	LWLockRelease(AddinShmemInitLock);
}

/* Have the server allocate the pool when it starts. */
void
pool_define(void)
{
	Assert(process_shared_preload_libraries_in_progress);

	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = set_up_memory;
}

/* Take the lock of the pool.  The caller must not raise an error before pool_unlock(). */
void
pool_lock(void)
{
	Assert(pool != NULL);
	Assert(!pool_is_locked());
	LWLockAcquire(pool->lock, LW_EXCLUSIVE);
}

/*
 * The calls that a worker has run in its open transaction, before the one that it
 * runs now.  They end when it commits.
 */
PoolCall *
pool_uncommitted_locked(const WorkerSlot *slot)
{
	Assert(pool_is_locked());
	return &pool->uncommitted[(slot - pool->slots) * GROUP_SIZE_MAX];
}

/* Latches to set when the lock is released: a woken worker takes the lock first. */
static Latch *to_wake[64];
static int nto_wake = 0;

/* Release the lock, and wake the workers that were to be woken. */
void
pool_unlock(void)
{
	Assert(pool_is_locked());
	LWLockRelease(pool->lock);
	while (nto_wake > 0)
		SetLatch(to_wake[--nto_wake]);
}

/* Whether this process holds the lock of the pool. */
bool
pool_is_locked(void)
{
	return LWLockHeldByMeInMode(pool->lock, LW_EXCLUSIVE);
}

/* Set a latch when the lock is released. */
void
pool_wake_at_unlock_locked(Latch *latch)
{
	Assert(pool_is_locked());
	Assert(latch != NULL);
	if (nto_wake < (int) lengthof(to_wake))
		to_wake[nto_wake++] = latch;
	else
		SetLatch(latch);
}

/* Wake the launcher, if it is running. */
void
pool_wake_launcher_locked(void)
{
	Assert(pool_is_locked());
	if (pool->launcher != NULL)
		SetLatch(pool->launcher);
}

/* Have a worker end instead of taking another call. */
void
pool_evict_locked(WorkerSlot *slot)
{
	Assert(pool_is_locked());
	Assert(slot->state != SLOT_FREE);
	slot->evict = true;
	if (slot->latch != NULL)
		SetLatch(slot->latch);
}

/* Have a keeper visit a database. */
void
pool_request_visit_locked(Oid database)
{
	Assert(pool_is_locked());
	Assert(OidIsValid(database));
	pool_wake_launcher_locked();
	for (int i = 0; i < pool->nvisits; i++)
		if (pool->visits[i] == database)
			return;
	if (pool->nvisits == POOL_VISITS)
		pool->visit_all = true;
	else
		pool->visits[pool->nvisits++] = database;
}

/* The same for a caller that does not hold the lock. */
void
pool_request_visit(Oid database)
{
	pool_lock();
	pool_request_visit_locked(database);
	pool_unlock();
}

/* Have the launcher check which roles can connect, after a role was dropped or changed. */
void
pool_check_roles(void)
{
	if (pool == NULL)
		return;
	pool_lock();
	pool->check_roles = true;
	pool_wake_launcher_locked();
	pool_unlock();
}
