/*
 * crash.c
 *	  The calls that ran when the server crashed.
 *
 * The launcher reads them from the journal, and a keeper writes them down in
 * each database.  This file owns the pool's list of them; it reads no file and no
 * table.
 */
#include "postgres.h"

#include "worker/pool/crash.h"
#include "worker/pool/pool.h"

/* Whether calls of the database ran at a crash, and that is not written down yet. */
bool
pool_has_crashed(Oid database)
{
	for (int i = 0; i < pool->ncrashes; i++)
		if (pool->crashes[i].database == database)
			return true;
	return false;
}

/*
 * The calls of the database that ran at a crash: their executions, into an array
 * of nslots.  The launcher moves what stands in the pool, so a walk through it
 * does not outlast the lock.
 */
int
pool_list_crashes(Oid database, int64 *executions)
{
	int count = 0;

	pool_lock();
	for (int i = 0; i < pool->ncrashes; i++)
		if (pool->crashes[i].database == database)
			executions[count++] = pool->crashes[i].execution_id;
	pool_unlock();
	return count;
}

void
pool_forget_crashes(Oid database)
{
	pool_lock();
	for (int i = pool->ncrashes - 1; i >= 0; i--)
		if (pool->crashes[i].database == database)
			pool->crashes[i] = pool->crashes[--pool->ncrashes];
	pool_unlock();
}
