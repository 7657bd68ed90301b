/*
 * keeper.c
 *	  A background worker that looks after the queue of one database.
 *
 * It visits the database for a moment: writes down which calls ran at a crash,
 * marks what has expired, fails the calls of roles that no worker can connect
 * as, and tells the pool which roles have calls that are due, or when.  It
 * runs nothing of anybody else, and so is connected as a superuser.
 */
#include "postgres.h"

#include "access/xact.h"
#include "engine/run/cancel.h"
#include "engine/run/sweep.h"
#include "engine/run/work.h"
#include "engine/verbs/lifecycle.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "worker/pool/crash.h"
#include "worker/pool/group.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"
#include "worker/process/keeper.h"
#include "worker/process/process.h"
#include "worker/process/session.h"

/* How long a visit waits for a lock; the next one comes soon. */
#define LOCK_TIMEOUT_OF_VISIT "2s"

static void
keeper_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	pool_lock();
	pool->keeper.done = true;
	pool_wake_launcher();
	pool_unlock();
}

static void
begin_transaction(const char *activity)
{
	debug_query_string = activity;
	pgstat_report_activity(STATE_RUNNING, activity);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	debug_query_string = NULL;
}

static bool
has_queue(void)
{
	bool result;

	begin_transaction("looking for the extension");
	result = work_is_possible();
	commit_transaction();
	return result;
}

/* Count the crash against the calls of this database that ran then. */
static void
note_crashes(bool possible)
{
	int64 *executions = palloc(pool->nslots * sizeof(int64));
	int count = pool_list_crashes(MyDatabaseId, executions);

	if (count > 0 && possible)
	{
		begin_transaction("noting the calls that ran at a crash");
		for (int i = 0; i < count; i++)
			work_note_crash(executions[i]);
		commit_transaction();
	}
	if (count > 0)
		pool_forget_crashes(MyDatabaseId);
	pfree(executions);
}

static void
note_role(Oid role, bool due, TimestampTz next_due)
{
	PoolGroup *group;

	pool_lock();
	group = pool_group(MyDatabaseId, role, true);
	if (group != NULL && !due && next_due == 0)
		pool_forget_tasks(group);
	else if (group != NULL)
	{
		if (due)
		{
			group->incomplete = true;
			group->bounded = false;
			pool_wake(group, 1);
		}
		if (next_due != 0 && (group->next_due == 0 || next_due < group->next_due))
			group->next_due = next_due;
	}
	pool_unlock();
}

/*
 * Tell the workers of cancels whose transaction could not, since it was
 * prepared.
 */
static void
tell_of_cancels(void)
{
	int64 *running = palloc(pool->nslots * sizeof(int64));
	int count = 0;

	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		const Slot *slot = &pool->slots[i];

		if (slot->state == SLOT_BUSY && slot->batch < 0 && slot->database == MyDatabaseId &&
			slot->end_at == 0)
			running[count++] = slot->task.call.execution_id;
	}
	pool_unlock();
	for (int i = 0; i < count; i++)
		if (cancel_is_requested(running[i]))
			pool_cancel(MyDatabaseId, running[i]);
}

void
wfo_keeper_main(Datum arg)
{
	WorkerStart start;
	bool possible;

	(void) arg;
	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof(start));
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(keeper_exit, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(start.database, InvalidOid, 0);
	SetConfigOption("application_name", KEEPER_TYPE, PGC_USERSET, PGC_S_OVERRIDE);
	session_prepare();
	/* The other databases are not to wait for what somebody does in this one. */
	SetConfigOption("lock_timeout", LOCK_TIMEOUT_OF_VISIT, PGC_SUSET, PGC_S_OVERRIDE);

	possible = has_queue();
	note_crashes(possible);
	if (possible)
	{
		begin_transaction("marking what has expired");
		(void) proposals_expire();
		commit_transaction();
		begin_transaction("telling the workers of cancels");
		tell_of_cancels();
		commit_transaction();
		begin_transaction("looking through the queue");
		work_look(note_role);
		commit_transaction();
	}
	pool_lock();
	pool->keeper.without_queue = !possible;
	pool->keeper.finished = true;
	pool_unlock();
	proc_exit(0);
}
