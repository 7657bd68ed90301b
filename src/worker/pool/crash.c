/*
 * crash.c
 *	  The calls that ran when the server crashed.
 *
 * The launcher reads them from the journal (process/journal.c), and the keeper of
 * each database counts the crash against its calls.  This file owns the pool's
 * list of these calls, which is read and changed only under the pool's lock; it
 * reads no file and no table.
 */
#include "postgres.h"

#include "utils/timestamp.h"
#include "worker/pool/crash.h"
#include "worker/pool/pool.h"

/* Whether the list has calls of the database: its keeper has not counted the crash yet. */
bool
pool_has_crashed_locked(Oid database)
{
	Assert(pool_is_locked());
	for (int i = 0; i < pool->ncrashes; i++)
		if (pool->crashes[i].database == database)
			return true;
	return false;
}

/*
 * Copy the executions of a database that ran at a crash into an array of nslots
 * members, and return their number.  The launcher removes members of the list, so
 * nobody walks through it without the lock.
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

/* Remove the calls of a database from the list. */
void
pool_forget_crashes(Oid database)
{
	pool_lock();
	for (int i = pool->ncrashes - 1; i >= 0; i--)
		if (pool->crashes[i].database == database)
			pool->crashes[i] = pool->crashes[--pool->ncrashes];
	pool_unlock();
}

/* Add a call to the list. */
void
pool_add_crash_locked(Oid database, int64 execution_id)
{
	Crash *crash = &pool->crashes[pool->ncrashes];

	Assert(pool_is_locked());
	Assert(pool->ncrashes < pool->nslots);
	crash->database = database;
	crash->execution_id = execution_id;
	pool->ncrashes++;
	pool->crashed_at = GetCurrentTimestamp();
}

/* Remove the calls of databases that do not exist any more; databases are those that do. */
void
pool_forget_crashes_elsewhere_locked(const List *databases)
{
	Assert(pool_is_locked());
	for (int i = pool->ncrashes - 1; i >= 0; i--)
		if (!list_member_oid(databases, pool->crashes[i].database))
			pool->crashes[i] = pool->crashes[--pool->ncrashes];
}
