/*
 * visit.c
 *	  When the launcher sends a keeper again where one has failed.
 *
 * A visit that comes to nothing (a lock on the tables, a database that nobody
 * may connect to) is made again later and later, so that what lasts does not
 * fill the log, but no later than all queues are looked through: what
 * is in no group of the pool is found by a visit alone.  Kept in the launcher's own memory.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/settings.h"
#include "catalog/pg_database.h"
#include "model/retry.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "worker/pool/block.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/process/keeper.h"
#include "worker/process/process.h"
#include "worker/process/roles.h"
#include "worker/process/visit.h"

/* When to visit again after the first failure, in ms; doubles up to poll_interval, if that is longer. */
#define FIRST_DELAY 5000

typedef struct FailedVisit
{
	Oid database;
	int failures;
	TimestampTz again; /* DT_NOEND: another visit is to begin or under way */
} FailedVisit;

static List *failed_visits = NIL;

/* Databases to be visited, and those that were found without a queue. */
static List *to_visit = NIL;
static List *without_queue = NIL;
static BackgroundWorkerHandle *keeper_handle;

static FailedVisit *
find(Oid database)
{
	ListCell *cell;

	foreach (cell, failed_visits)
	{
		FailedVisit *visit = lfirst(cell);

		if (visit->database == database)
			return visit;
	}
	return NULL;
}

/* The visit of a database came to nothing: another is to follow. */
static void
visit_failed(Oid database)
{
	FailedVisit *visit = find(database);
	int64 delay;

	if (visit == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		visit = palloc0(sizeof(FailedVisit));
		visit->database = database;
		failed_visits = lappend(failed_visits, visit);
		MemoryContextSwitchTo(old);
	}
	delay = retry_delay(++visit->failures, FIRST_DELAY, Max(FIRST_DELAY, setting_poll_interval), 0);
	visit->again = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay);
}

static void
visit_succeeded(Oid database)
{
	FailedVisit *visit = find(database);

	if (visit == NULL)
		return;
	failed_visits = list_delete_ptr(failed_visits, visit);
	pfree(visit);
}

/* Forget the databases that are not in the list. */
static void
visit_forget_others(const List *databases)
{
	ListCell *cell;

	foreach (cell, failed_visits)
	{
		FailedVisit *visit = lfirst(cell);

		if (list_member_oid(databases, visit->database))
			continue;
		failed_visits = foreach_delete_current(failed_visits, cell);
		pfree(visit);
	}
}

/*
 * Whether a database is to be visited now: where a visit has failed when its
 * time has come, which is then over, and else as the caller says.
 */
static bool
visit_is_due(Oid database, bool otherwise)
{
	FailedVisit *visit = find(database);

	if (visit == NULL)
		return otherwise;
	if (visit->again > GetCurrentTimestamp())
		return false;
	visit->again = DT_NOEND;
	return true;
}

/* When the first of the failed visits is to be made again; 0: there is none. */
TimestampTz
visit_next_retry(void)
{
	TimestampTz next = 0;
	ListCell *cell;

	foreach (cell, failed_visits)
	{
		const FailedVisit *visit = lfirst(cell);

		if (!TIMESTAMP_IS_NOEND(visit->again) && (next == 0 || visit->again < next))
			next = visit->again;
	}
	return next;
}

/*
 * Read which databases there are, and forget those that are no more.  Those
 * that have a queue, as far as is known, are to be visited: all of them, or
 * else those whose visit has failed.
 */
void
visit_list_databases(bool all)
{
	Relation rel;
	TableScanDesc scan;
	HeapTuple tuple;
	List *there = NIL;
	MemoryContext old;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		old = MemoryContextSwitchTo(TopMemoryContext);
		there = lappend_oid(there, database->oid);
		if (database->datallowconn && !database->datistemplate &&
			visit_is_due(database->oid, all && !list_member_oid(without_queue, database->oid)))
			to_visit = list_append_unique_oid(to_visit, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	visit_forget_others(there);

	pool_lock();
	for (int i = 0; i < POOL_GROUPS; i++)
		if (OidIsValid(pool->groups[i].database) &&
			!list_member_oid(there, pool->groups[i].database))
		{
			pool_forget_tasks(&pool->groups[i]);
			pool->groups[i].filling = false;
		}
	for (int i = pool->ncrashes - 1; i >= 0; i--)
		if (!list_member_oid(there, pool->crashes[i].database))
			pool->crashes[i] = pool->crashes[--pool->ncrashes];
	pool_unlock();
	list_free(there);
}

/* Take over what others asked for. */
bool
visit_take_requests(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	bool all;
	bool roles;
	int nvisits;
	Oid visits[POOL_VISITS];

	pool_lock();
	all = pool->visit_all ||
		  (pool->visit_all_at != 0 && pool->visit_all_at <= GetCurrentTimestamp());
	if (all)
		pool->visit_all_at = 0;
	roles = pool->check_roles;
	pool->check_roles = false;
	nvisits = pool->nvisits;
	memcpy(visits, pool->visits, nvisits * sizeof(Oid));
	pool->visit_all = false;
	pool->nvisits = 0;
	pool_unlock();
	for (int i = 0; i < nvisits; i++)
	{
		to_visit = list_append_unique_oid(to_visit, visits[i]);
		without_queue = list_delete_oid(without_queue, visits[i]);
	}
	MemoryContextSwitchTo(old);
	if (roles)
		roles_dismiss_workers();
	return all;
}

/* Send a keeper to the next database; one at a time. */
void
visit_start_keeper(void)
{
	WorkerStart start = {0};
	bool blocked;

	if (keeper_handle != NULL || to_visit == NIL)
		return;
	start.database = linitial_oid(to_visit);
	to_visit = list_delete_first(to_visit);
	pool_lock();
	blocked = pool_is_blocked(start.database);
	if (!blocked)
	{
		pool->keeper.database = start.database;
		pool->keeper.done = false;
		pool->keeper.finished = false;
		pool->keeper.without_queue = false;
	}
	pool_unlock();
	if (blocked)
	{
		visit_failed(start.database);
		return;
	}
	keeper_handle = process_start(KEEPER_TYPE, "wfo_keeper_main", 0, &start);
	if (keeper_handle == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		to_visit = list_append_unique_oid(to_visit, start.database);
		MemoryContextSwitchTo(old);
		pool_lock();
		pool->keeper.database = InvalidOid;
		pool_unlock();
	}
}

/* See how a visit has ended. */
void
visit_reap(void)
{
	if (keeper_handle != NULL && process_has_stopped(keeper_handle))
	{
		Keeper keeper;

		pfree(keeper_handle);
		keeper_handle = NULL;
		pool_lock();
		keeper = pool->keeper;
		pool->keeper.database = InvalidOid;
		pool_unlock();
		if (keeper.without_queue)
		{
			MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

			without_queue = list_append_unique_oid(without_queue, keeper.database);
			MemoryContextSwitchTo(old);
		}
		else
			without_queue = list_delete_oid(without_queue, keeper.database);
		if (keeper.finished)
			visit_succeeded(keeper.database);
		else
		{
			/* What asked for another meanwhile would fail as well. */
			to_visit = list_delete_oid(to_visit, keeper.database);
			visit_failed(keeper.database);
		}
	}
}

/* Whether a visit waits for the keeper. */
bool
visit_waits(void)
{
	return to_visit != NIL && keeper_handle == NULL;
}
