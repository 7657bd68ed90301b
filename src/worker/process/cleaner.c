/*
 * cleaner.c
 *	  A background worker that takes redacted values out of files.
 *
 * It waits until no transaction sees the old versions of rows any more, vacuums and
 * analyzes the tables that redactions change, and wipes the free space that VACUUM
 * leaves.  Then it does the same with the statistics, which had some of the values.
 * If anything remains it leaves that to the next one, which the keeper starts when it
 * visits the database again.
 *
 * This file owns the process and the order of its steps.  Which tables these are is the
 * business of engine/audit/clean.c.  It runs no code of users but what is in their indexes, as VACUUM does.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_statistic_d.h"
#include "engine/audit/clean.h"
#include "engine/run/work.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "worker/pool/block.h"
#include "worker/pool/pool.h"
#include "worker/process/cleaner.h"
#include "worker/process/process.h"
#include "worker/process/session.h"

/* How long it waits for transactions that see old versions, in ms, and how often it looks. */
#define WAIT_FOR_TRANSACTIONS (10 * 60 * 1000)
#define LOOK_EVERY 200

/* Have a cleaner start in this database, unless one runs already. */
void
cleaner_start(void)
{
	WorkerStart start = {.database = MyDatabaseId};
	bool runs;

	pool_lock();
	runs = pool->cleaner.pid != 0;
	pool_unlock();
	if (!runs && process_start(CLEANER_TYPE, "wfo_cleaner_main", 0, &start) == NULL)
		process_report_no_slot("Redacted values of workflow_orch wait to be vacuumed.");
}

static void
cleaner_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	pool_lock();
	if (pool->cleaner.pid == MyProcPid)
		pool->cleaner.pid = 0;
	pool_unlock();
}

/* Enter this process in the pool: false if there is another one, or the database is blocked. */
static bool
enter_pool_as_cleaner(void)
{
	bool entered;

	pool_lock();
	entered = pool->cleaner.pid == 0 && !pool_is_blocked_locked(MyDatabaseId);
	if (entered)
	{
		pool->cleaner.pid = MyProcPid;
		pool->cleaner.database = MyDatabaseId;
	}
	pool_unlock();
	return entered;
}

static void
report_cleaner(const char *activity)
{
	debug_query_string = activity;
	pgstat_report_activity(STATE_RUNNING, activity);
}

/* Look for something to do; NIL: there is nothing, or the extension is gone. */
static List *
find_tables_to_clean(void)
{
	List *tables = NIL;

	report_cleaner("looking for redacted values");
	session_begin_transaction();
	if (work_lock_in() && clean_is_due())
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		tables = clean_list_tables();
		MemoryContextSwitchTo(old);
	}
	session_commit_transaction();
	return tables;
}

/*
 * Wait until nobody sees what was deleted so far, and set the horizon to that.  Returns
 * false if that takes too long.
 */
static bool
wait_until_past(TransactionId *horizon)
{
	TimestampTz begun_at = GetCurrentTimestamp();
	uint32 event = compat_wait_event("WorkflowOrchCleaner");

	report_cleaner("waiting for transactions that see redacted values");
	*horizon = XidFromFullTransactionId(ReadNextFullTransactionId());
	while (!clean_may_begin(*horizon))
	{
		if (TimestampDifferenceExceeds(begun_at, GetCurrentTimestamp(), WAIT_FOR_TRANSACTIONS))
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_EVERY,
						 event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* Vacuum a table and wipe it.  Returns whether nothing remains. */
static bool
clean_table(Oid table, TransactionId horizon)
{
	int64 remains;

	report_cleaner("vacuuming redacted values");
	clean_vacuum(table);
	report_cleaner("wiping redacted values");
	session_begin_transaction();
	remains = clean_wipe(table, horizon);
	session_commit_transaction();
	return remains == 0;
}

/* Clean all tables, and then the statistics about them.  Returns whether nothing remains. */
static bool
clean_all(List *tables, TransactionId *horizon)
{
	TransactionId later;
	bool done = true;
	ListCell *cell;

	if (!wait_until_past(horizon))
		return false;
	foreach (cell, tables)
		done &= clean_table(lfirst_oid(cell), *horizon);
	return done && wait_until_past(&later) && clean_table(StatisticRelationId, later);
}

/* The main function of a cleaner. */
void
wfo_cleaner_main(Datum arg)
{
	WorkerStart start;
	List *tables;
	TransactionId horizon;

	(void) arg;
	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof(start));
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(cleaner_exit, (Datum) 0);
	session_connect(start.database, CLEANER_TYPE);
	/* It takes its time, as autovacuum does, and waits for a lock as VACUUM does. */
	SetConfigOption("vacuum_cost_delay", "2", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	if (!enter_pool_as_cleaner())
		proc_exit(0);
	tables = find_tables_to_clean();
	if (tables == NIL || !clean_all(tables, &horizon))
		proc_exit(0);
	report_cleaner("noting that redacted values are gone");
	session_begin_transaction();
	if (work_lock_in())
		clean_finish(horizon);
	session_commit_transaction();
	proc_exit(0);
}
