/*
 * sealing.c
 *	  Waits until the sealer has had a turn, or seals here.
 *
 * This file owns the wait of seal_audit_log(), which holds no snapshot where that is
 * possible.  The turn is the business of process/sealer.c, and what a round does is
 * the engine's.
 *
 * Where the library is not preloaded there is no sealer, and the caller seals in its
 * own transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/durable.h"
#include "base/errors.h"
#include "base/statement_snapshot.h"
#include "engine/audit/seal.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "worker/client/sealing.h"
#include "worker/pool/seal.h"

/* How often the pool is looked at without a wake-up, in ms. */
#define LOOK_AT_TURN_EVERY 1000

/* How long the launcher may be away, in ms: the server starts it again after a second. */
#define LAUNCHER_AWAY_MAX 10000

/* How often to ask anew because the sealer has found no extension here. */
#define ASKS_MAX 3

/* A wait for a turn in this database. */
typedef struct TurnWait
{
	int asks;
	SealDatabase *seal; /* NULL: there was no room for this database yet */
	uint64 turn;        /* the turn that is waited for, or a later one */
	int64 rows_before;
	bool over;
	bool failed;
	int64 rows; /* sealed meanwhile */
	char error[POOL_LOSS_MAX];
} TurnWait;

static void
ask_for_turn(TurnWait *wait)
{
	pool_lock();
	wait->seal = seal_ask_locked(MyDatabaseId);
	if (wait->seal != NULL)
	{
		wait->asks++;
		wait->turn = wait->seal->begun + 1;
		wait->rows_before = wait->seal->rows;
	}
	pool_unlock();
}

/* Look whether the turn has ended: returns whether the launcher is there, or need not be. */
static bool
look_at_turn(TurnWait *wait)
{
	const SealDatabase *seal = wait->seal;
	bool there;

	pool_lock();
	there = pool->launcher != NULL || OidIsValid(pool->sealer.database);
	if (seal->database != MyDatabaseId && wait->asks < ASKS_MAX)
		wait->seal = NULL;
	else if (seal->ended >= wait->turn)
	{
		wait->over = true;
		wait->failed = seal->failed;
		wait->rows = seal->rows - wait->rows_before;
		strlcpy(wait->error, seal->error, sizeof(wait->error));
	}
	pool_unlock();
	return there;
}

static void
report_no_launcher(void)
{
	report_wrong_state("wfo_no_workers", errmsg("background workers are not available"),
					   errdetail("The launcher of workflow_orch is not running."),
					   errhint("See the server log. You might need to increase "
							   "max_worker_processes."));
}

static void
report_failed_turn(const char *error)
{
	report_wrong_state("wfo_seal_failed", errmsg("the audit log could not be sealed"),
					   errdetail("The last attempt failed: %s.", error),
					   errhint("See the server log. If the server has no background worker slot, "
							   "increase max_worker_processes."));
}

/* Sleep until a turn has ended, or for a while. */
static void
sleep_until_turn(const TurnWait *wait)
{
	static uint32 event = 0;

	if (event == 0)
		event = compat_wait_event("WorkflowOrchSeal");
	if (wait->seal != NULL)
	{
		(void) ConditionVariableTimedSleep(&wait->seal->turn_ended, LOOK_AT_TURN_EVERY, event);
		return;
	}
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_AT_TURN_EVERY,
					 event);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Wait until a turn of the sealer that has begun from now on is over. */
static void
wait_for_turn(TurnWait *wait)
{
	TimestampTz seen_at = GetCurrentTimestamp();
	bool released = statement_snapshot_release();

	InvalidateCatalogSnapshot();
	for (;;)
	{
		if (wait->seal == NULL)
			ask_for_turn(wait);
		/* Whoever is told of an end must wait for it before looking. */
		if (wait->seal != NULL)
			ConditionVariablePrepareToSleep(&wait->seal->turn_ended);
		if (wait->seal == NULL || look_at_turn(wait))
			seen_at = GetCurrentTimestamp();
		if (wait->over)
			break;
		if (TimestampDifferenceExceeds(seen_at, GetCurrentTimestamp(), LAUNCHER_AWAY_MAX))
			report_no_launcher();
		sleep_until_turn(wait);
	}
	ConditionVariableCancelSleep();
	if (released)
		statement_snapshot_renew();
}

/* Seal in this transaction, which is to have no other statement. */
static int64
seal_here(void)
{
	bool more = true;
	int64 rows = 0;

	PreventInTransactionBlock(true, "seal_audit_log()");
	commit_durably();
	while (more)
	{
		CHECK_FOR_INTERRUPTS();
		rows += seal_round(&more);
	}
	return rows;
}

/*
 * Have the audit log of this database sealed, and return how many rows the sealer has
 * sealed meanwhile: 55000 if it could not.
 */
int64
sealing_run(void)
{
	TurnWait wait = {0};

	if (pool == NULL)
		return seal_here();
	wait_for_turn(&wait);
	if (wait.failed)
		report_failed_turn(wait.error);
	return wait.rows;
}
