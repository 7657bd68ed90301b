/*
 * keeper.c
 *	  A background worker that looks after the queue of one database.
 *
 * It visits the database for a moment: it counts crashes against the calls that
 * ran then, marks proposals that have expired, fails the calls of roles that
 * cannot connect, and tells the pool which roles have calls that are due, or when
 * they will be.  It sends for the sealer if that has missed something, and warns if it
 * is behind, and for a cleaner if there are redacted values in the files.  It runs no
 * code of users, and so is connected as a superuser.
 *
 * This file owns the process and the order of its steps; the steps themselves are
 * the engine's.  It must not call a tool.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/settings.h"
#include "commands/dbcommands.h"
#include "engine/audit/clean.h"
#include "engine/audit/seal.h"
#include "engine/audit/unsealed.h"
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
#include "utils/timestamp.h"
#include "worker/pool/crash.h"
#include "worker/pool/group.h"
#include "worker/pool/group_table.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"
#include "worker/pool/refusal.h"
#include "worker/pool/seal.h"
#include "worker/process/cleaner.h"
#include "worker/process/keeper.h"
#include "worker/process/process.h"
#include "worker/process/session.h"

static void
keeper_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	pool_lock();
	pool->keeper.done = true;
	pool_wake_launcher_locked();
	pool_unlock();
}

/*
 * Begin a step of the visit, as a transaction that pg_stat_activity names: returns
 * whether the database has the extension, and so a queue.
 */
static bool
begin_step(const char *activity)
{
	debug_query_string = activity;
	pgstat_report_activity(STATE_RUNNING, activity);
	session_begin_transaction();
	return work_lock_in();
}

static void
commit_step(void)
{
	session_commit_transaction();
	debug_query_string = NULL;
}

/* Count a crash against the calls of this database that ran then. */
static void
note_crashes(void)
{
	int64 *executions = palloc(pool->nslots * sizeof(int64));
	int count = pool_list_crashes(MyDatabaseId, executions);

	if (count > 0)
	{
		bool possible = begin_step("noting the calls that ran at a crash");

		for (int i = 0; possible && i < count; i++)
			sweep_note_crash(executions[i]);
		commit_step();
		pool_forget_crashes(MyDatabaseId);
	}
	pfree(executions);
}

/* Tell the pool which calls a role has. */
static void
note_role(const RoleQueue *queue)
{
	PoolGroup *group;

	pool_lock();
	group = group_make_locked(MyDatabaseId, queue->role);
	if (group != NULL && !queue->has_due && queue->next_due == 0)
		group_forget_calls_locked(group);
	else if (group != NULL)
	{
		if (queue->has_due)
			group_look_now_locked(group);
		if (queue->next_due != 0)
			group_look_at_locked(group, queue->next_due);
	}
	pool_unlock();
}

/* Tell the workers of requests to cancel that prepared transactions have made. */
static void
tell_of_cancels(void)
{
	int64 *running = palloc(pool->nslots * sizeof(int64));
	int count = 0;

	Assert(IsTransactionState());
	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		const WorkerSlot *slot = &pool->slots[i];

		if (slot->state == SLOT_BUSY && slot->place.batch < 0 && slot->database == MyDatabaseId &&
			slot->end_at == 0)
			running[count++] = slot->call.queued.execution_id;
	}
	pool_unlock();
	for (int i = 0; i < count; i++)
		if (cancel_is_requested(running[i]))
			pool_cancel(MyDatabaseId, running[i]);
}

/* Warn in the log if a row has waited too long to be sealed, for each database once a minute. */
static void
warn_of_lag(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz occurred_at;
	int64 audit_id;

	if (setting_max_seal_lag > 0 && unsealed_first(&audit_id, &occurred_at) &&
		TimestampDifferenceExceeds(occurred_at, now, setting_max_seal_lag) &&
		seal_may_warn(MyDatabaseId, now))
		ereport(WARNING,
				(errhidestmt(true),
				 errmsg("the audit log of database \"%s\" is not sealed",
						get_database_name(MyDatabaseId)),
				 errdetail("Audit row " INT64_FORMAT " waits since %s.", audit_id,
						   timestamptz_to_str(occurred_at)),
				 errhint("Call seal_audit_log: its error says what keeps the sealer away.")));
}

/* See to it that what is committed gets sealed. */
static void
look_for_unsealed(void)
{
	if (!refusal_waits(MyDatabaseId) && !seal_is_due())
		return;
	warn_of_lag();
	seal_want(MyDatabaseId);
}

/* The main function of a keeper. */
void
wfo_keeper_main(Datum arg)
{
	WorkerStart start;
	bool possible;
	bool more;

	(void) arg;
	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof(start));
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(keeper_exit, (Datum) 0);
	session_connect(start.database, KEEPER_TYPE);

	note_crashes();
	/* Calls may wait for this, and for none of what follows. */
	possible = begin_step("looking through the queue");
	more = possible && sweep_queue(note_role);
	commit_step();
	/* At the limit; proposals that others have locked do not count. */
	if (begin_step("marking what has expired"))
		more |= proposals_expire(SWEEP_LIMIT) == SWEEP_LIMIT;
	commit_step();
	if (begin_step("telling the workers of cancels"))
		tell_of_cancels();
	commit_step();
	if (begin_step("looking for what is not sealed"))
		look_for_unsealed();
	commit_step();
	if (begin_step("looking for redacted values") && clean_is_due())
		cleaner_start();
	commit_step();
	pool_lock();
	pool->keeper.without_queue = !possible;
	pool->keeper.more = more;
	pool->keeper.finished = true;
	pool_unlock();
	proc_exit(0);
}
