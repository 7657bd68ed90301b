/*
 * sealer.c
 *	  A background worker that seals the audit log.
 *
 * One process serves all databases, one after the other.  In its turn in a database
 * it writes the refused attempts, and seals what has been committed there.  It stays
 * while there is something to do and no other database waits, and leaves after a
 * while without work.  It runs no code of users, and so is connected as a superuser.
 *
 * This file owns the process and the order of its steps.  A step is the engine's, and
 * a transaction.  Which database has its turn is the business of pool/seal.c.
 *
 * A turn that fails ends the process, with its error in the log.  The launcher starts
 * another one later.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/durable.h"
#include "engine/audit/refused.h"
#include "engine/audit/seal.h"
#include "engine/run/work.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "worker/pool/refusal.h"
#include "worker/pool/seal.h"
#include "worker/process/process.h"
#include "worker/process/sealer.h"
#include "worker/process/session.h"

/* How long the sealer stays without work, in ms. */
#define STAYS_IDLE 10000

typedef enum SealerStep
{
	SEALER_TURNS,
	SEALER_WAITS,
	SEALER_LEAVES
} SealerStep;

static uint64 own_generation;

/* Whether this process is the sealer, and no other has been started since. */
static bool
is_sealer_locked(void)
{
	Assert(pool_is_locked());
	return OidIsValid(pool->sealer.database) && pool->sealer.generation == own_generation;
}

/* End the turn that an error has ended. */
static void
fail_turn(const char *error)
{
	SealDatabase *seal;

	pool_lock();
	seal = is_sealer_locked() && pool->sealer.turning ? seal_find_locked(pool->sealer.database)
													  : NULL;
	if (seal != NULL)
		seal_fail_turn_locked(seal, error);
	if (is_sealer_locked())
		pool->sealer.turning = false;
	pool_unlock();
}

static void
sealer_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	fail_turn("the process was ended");
	pool_lock();
	if (is_sealer_locked())
	{
		pool->sealer.latch = NULL;
		pool->sealer.done = true;
	}
	pool_wake_launcher_locked();
	pool_unlock();
}

/* Enter this process in the pool: false if its launcher has been replaced meanwhile. */
static bool
enter_pool(void)
{
	bool entered;

	pool_lock();
	entered = is_sealer_locked();
	if (entered)
	{
		pool->sealer.pid = MyProcPid;
		pool->sealer.latch = MyLatch;
	}
	pool_unlock();
	return entered;
}

/* What to do next, and until when to wait; idle_since is when the last turn has ended. */
static SealerStep
next_step(TimestampTz idle_since, TimestampTz *until)
{
	TimestampTz now = GetCurrentTimestamp();
	SealDatabase *next;
	SealerStep step = SEALER_WAITS;

	*until = TimestampTzPlusMilliseconds(idle_since, STAYS_IDLE);
	pool_lock();
	next = seal_next_locked(now, until);
	if (pool->sealer.leave || (next == NULL && *until <= now) ||
		(next != NULL && next->database != MyDatabaseId))
		step = SEALER_LEAVES;
	else if (next != NULL)
	{
		seal_begin_turn_locked(next);
		pool->sealer.turning = true;
		step = SEALER_TURNS;
	}
	pool_unlock();
	return step;
}

/*
 * Begin a step of a turn, as a transaction that pg_stat_activity names: returns
 * whether the database has the extension.
 */
static bool
begin_sealer_step(const char *activity)
{
	debug_query_string = activity;
	pgstat_report_activity(STATE_RUNNING, activity);
	session_begin_transaction();
	commit_durably();
	return work_lock_in();
}

static void
commit_sealer_step(void)
{
	session_commit_transaction();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	debug_query_string = NULL;
}

/* The attempts that are written in one transaction. */
#define ATTEMPTS_OF_STEP 64

/* Say in the server's log how many attempts it has no line of. */
static void
log_left_out(const RefusedAttempt *attempt)
{
	ereport(LOG, (errhidestmt(true),
				  errmsg("left " INT64_FORMAT " refused attempts of role \"%s\" out of the log",
						 attempt->count, attempt->session.login),
				  attempt->sqlstate != 0
					  ? errdetail("Call \"%s\", reason \"%s\".", attempt->call, attempt->reason)
					  : 0));
}

/* Write the refused attempts that wait; false if the database does not have the extension. */
static bool
write_refused(void)
{
	RefusedAttempt *attempts = palloc(ATTEMPTS_OF_STEP * sizeof(RefusedAttempt));
	RefusalPlace *places = palloc(ATTEMPTS_OF_STEP * sizeof(RefusalPlace));
	bool possible = true;
	int count;

	while ((count = refusal_collect(MyDatabaseId, attempts, places, ATTEMPTS_OF_STEP)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		possible = begin_sealer_step("writing refused attempts");
		for (int i = 0; possible && i < count; i++)
			refused_write(&attempts[i]);
		commit_sealer_step();
		if (!possible)
			break;
		refusal_forget_written(places, count);
		for (int i = 0; i < count; i++)
			if (attempts[i].count > 0)
				log_left_out(&attempts[i]);
	}
	pfree(attempts);
	pfree(places);
	return possible;
}

/* Seal what there is; false if the database does not have the extension. */
static bool
seal_all(int64 *rows)
{
	bool more = true;
	bool possible = true;

	while (more && possible && !pool->sealer.leave)
	{
		int64 sealed = 0;

		CHECK_FOR_INTERRUPTS();
		more = false;
		possible = begin_sealer_step("sealing the audit log");
		if (possible)
			sealed = seal_round(&more);
		commit_sealer_step();
		*rows += sealed;
	}
	return possible;
}

/* Take a turn that has begun to its end. */
static void
take_turn(void)
{
	int64 rows = 0;
	bool possible = write_refused() && seal_all(&rows);
	TimestampTz look_at = refusal_next(MyDatabaseId);
	SealDatabase *seal;

	pool_lock();
	seal = seal_find_locked(MyDatabaseId);
	Assert(seal != NULL);
	if (!possible)
		seal_forget_locked(seal, "the database does not have the extension any more");
	else if (pool->sealer.leave)
		seal_fail_turn_locked(seal, "a command needs the database for itself");
	else
		seal_end_turn_locked(seal, rows, look_at);
	pool->sealer.turning = false;
	pool->sealer.leave |= !possible;
	pool_unlock();
	if (!possible)
		refusal_forget_database(MyDatabaseId);
}

/*
 * Take a turn.  An error is left to the waiting processes and raised again, unless
 * the turn was broken off for a command that needs the database.
 */
static void
take_turn_or_fail(void)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		take_turn();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		fail_turn(error->message);
		if (!pool->sealer.leave)
			PG_RE_THROW();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
}

/* The main function of the sealer. */
void
wfo_sealer_main(Datum arg)
{
	WorkerStart start;
	uint32 event;
	TimestampTz idle_since;
	TimestampTz until;
	SealerStep step;

	(void) arg;
	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof(start));
	own_generation = start.generation;
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(sealer_exit, (Datum) 0);
	session_connect(start.database, SEALER_TYPE);
	event = compat_wait_event("WorkflowOrchSealer");
	if (!enter_pool())
		proc_exit(0);

	idle_since = GetCurrentTimestamp();
	for (;;)
	{
		ResetLatch(MyLatch);
		/* A cancel that comes between turns was meant for the last one. */
		QueryCancelPending = false;
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		step = next_step(idle_since, &until);
		if (step == SEALER_LEAVES)
			break;
		if (step == SEALER_TURNS)
		{
			take_turn_or_fail();
			idle_since = GetCurrentTimestamp();
			continue;
		}
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max((until - GetCurrentTimestamp() + 999) / 1000, 1), event);
	}
	proc_exit(0);
}
