/*
 * visit.c
 *	  Which databases a keeper visits, and when.
 *
 * This file owns the lists of databases, in the launcher's own memory, and the
 * handle of the keeper.  What a visit does is the business of keeper.c.
 *
 * One keeper at a time visits one database.  The launcher visits each database
 * that has a queue when it starts, every workflow_orch.poll_interval, and when a
 * process asks for it.
 *
 * A visit that fails, for example because of a lock on the tables, is repeated
 * with growing delays, so that a lasting cause does not fill the log.  The delay is
 * at most poll_interval, since only a visit finds calls that are in no group.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/settings.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "model/retry.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "worker/pool/block.h"
#include "worker/pool/crash.h"
#include "worker/pool/group.h"
#include "worker/pool/pool.h"
#include "worker/pool/seal.h"
#include "worker/process/keeper.h"
#include "worker/process/process.h"
#include "worker/process/roles.h"
#include "worker/process/visit.h"

/* Delay after the first failed visit, in ms; it doubles up to poll_interval, if that is longer. */
#define FIRST_DELAY 5000

typedef enum VisitScope
{
	VISIT_ALL,
	VISIT_RETRIES
} VisitScope;

typedef struct FailedVisit
{
	Oid database;
	int failures;
	TimestampTz again; /* DT_NOEND: the next visit waits for the keeper or is under way */
} FailedVisit;

static List *failed_visits = NIL;

/* Databases to be visited, and databases that were found without a queue. */
static List *to_visit = NIL;
static List *without_queue = NIL;
static BackgroundWorkerHandle *keeper_handle; /* NULL: no keeper runs */

static FailedVisit *
find_failed_visit(Oid database)
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

/* Note that a visit has failed, and when to make another one. */
static void
note_failed_visit(Oid database)
{
	FailedVisit *visit = find_failed_visit(database);
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
forget_failed_visit(Oid database)
{
	FailedVisit *visit = find_failed_visit(database);

	if (visit == NULL)
		return;
	failed_visits = list_delete_ptr(failed_visits, visit);
	pfree(visit);
}

/* Forget the databases that are not in the list. */
static void
forget_other_visits(const List *databases)
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
 * Whether a database is to be visited now.  If its last visit has failed, that is
 * when the delay is over, which ends the delay; otherwise the caller decides.
 */
static bool
visit_is_due(Oid database, bool otherwise)
{
	FailedVisit *visit = find_failed_visit(database);

	if (visit == NULL)
		return otherwise;
	if (visit->again > GetCurrentTimestamp())
		return false;
	visit->again = DT_NOEND;
	return true;
}

/* When to make the next of the failed visits again; 0 if there is none. */
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

/* Read which databases there are, and plan the visits that are due: a list in TopMemoryContext. */
static List *
read_databases(VisitScope scope)
{
	Relation rel;
	TableScanDesc scan;
	HeapTuple tuple;
	List *there = NIL;
	MemoryContext old;

	Assert(!IsTransactionState());
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
			visit_is_due(database->oid,
						 scope == VISIT_ALL && !list_member_oid(without_queue, database->oid)))
			to_visit = list_append_unique_oid(to_visit, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	return there;
}

/* Plan the visits that are due, and forget the databases that do not exist any more. */
static void
plan_visits(VisitScope scope)
{
	List *there;

	Assert(pool->launcher == MyLatch);
	there = read_databases(scope);
	forget_other_visits(there);
	pool_lock();
	for (int i = 0; i < pool->ngroups; i++)
		if (OidIsValid(pool->groups[i].database) &&
			!list_member_oid(there, pool->groups[i].database))
		{
			group_forget_calls_locked(&pool->groups[i]);
			pool->groups[i].filling = false;
		}
	pool_forget_crashes_elsewhere_locked(there);
	for (int i = 0; i < pool->nseals; i++)
		if (OidIsValid(pool->seals[i].database) && !list_member_oid(there, pool->seals[i].database))
			seal_forget_locked(&pool->seals[i], "the database was dropped");
	pool_unlock();
	list_free(there);
}

/* Plan a visit of each database that is not known to have no queue. */
void
visit_plan_all(void)
{
	plan_visits(VISIT_ALL);
}

/* Plan the visits that have failed and are to be made again now. */
void
visit_plan_retries(void)
{
	plan_visits(VISIT_RETRIES);
}

/* Take over the requests of other processes: true if all databases are to be visited. */
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
	/* Something waits for these; the visits of all databases are a safety net. */
	for (int i = nvisits - 1; i >= 0; i--)
	{
		to_visit = lcons_oid(visits[i], list_delete_oid(to_visit, visits[i]));
		without_queue = list_delete_oid(without_queue, visits[i]);
	}
	MemoryContextSwitchTo(old);
	if (roles)
		roles_dismiss_workers();
	return all;
}

static void
plan_visit_last(Oid database)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	to_visit = list_append_unique_oid(to_visit, database);
	MemoryContextSwitchTo(old);
}

/* Send a keeper to the next database, unless one runs already. */
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
	blocked = pool_is_blocked_locked(start.database);
	if (!blocked)
	{
		pool->keeper.database = start.database;
		pool->keeper.done = false;
		pool->keeper.finished = false;
		pool->keeper.without_queue = false;
		pool->keeper.more = false;
	}
	pool_unlock();
	if (blocked)
	{
		note_failed_visit(start.database);
		return;
	}
	keeper_handle = process_start(KEEPER_TYPE, "wfo_keeper_main", 0, &start);
	if (keeper_handle == NULL)
	{
		plan_visit_last(start.database);
		pool_lock();
		pool->keeper.database = InvalidOid;
		pool_unlock();
	}
}

/* If the keeper has ended, note how its visit ended. */
void
visit_reap(void)
{
	Keeper keeper;

	if (keeper_handle == NULL || !process_has_stopped(keeper_handle))
		return;
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
	{
		forget_failed_visit(keeper.database);
		/* After the other databases, which have had no turn meanwhile. */
		if (keeper.more)
			plan_visit_last(keeper.database);
	}
	else
	{
		/* Another visit that was asked for meanwhile would fail as well. */
		to_visit = list_delete_oid(to_visit, keeper.database);
		note_failed_visit(keeper.database);
	}
}

/* Whether a database is to be visited and no keeper runs. */
bool
visit_waits(void)
{
	return to_visit != NIL && keeper_handle == NULL;
}
