/*
 * sealer_start.c
 *	  Starts the sealer in the database that is next.
 *
 * This file owns the handle of the sealer, in the launcher's memory, and what
 * becomes of a turn for which no sealer could be started.  Which database is next
 * is the business of pool/seal.c.
 *
 * There is one sealer at most.  It leaves by itself when another database waits,
 * and the launcher starts it there.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"
#include "worker/pool/seal.h"
#include "worker/process/plan.h"
#include "worker/process/process.h"
#include "worker/process/sealer.h"

static BackgroundWorkerHandle *sealer_handle; /* NULL: this launcher has started none */

/* Forget a sealer that an earlier launcher has registered and that never came to run. */
void
sealer_take_over(void)
{
	pool_lock();
	if (pool->sealer.pid == 0)
		pool->sealer.database = InvalidOid;
	pool_unlock();
}

/* Note that the database of the sealer has no sealer any more; it must not be at work. */
static void
free_sealer_locked(void)
{
	Sealer *sealer = &pool->sealer;
	SealDatabase *seal = seal_find_locked(sealer->database);

	Assert(pool_is_locked());
	/* A process that could not connect had no turn.  Its own error is in the log. */
	if (sealer->pid == 0 && seal != NULL)
		seal_fail_turn_locked(seal, "the process could not connect to the database");
	sealer->database = InvalidOid;
	sealer->latch = NULL;
}

/* If the sealer has ended, make room for the next one. */
void
sealer_reap(void)
{
	bool stopped;

	if (sealer_handle != NULL && !process_has_stopped(sealer_handle))
		return;
	if (sealer_handle != NULL)
		pfree(sealer_handle);
	pool_lock();
	/* One that an earlier launcher has started says itself when it ends. */
	stopped = OidIsValid(pool->sealer.database) && (sealer_handle != NULL || pool->sealer.done);
	sealer_handle = NULL;
	if (stopped)
		free_sealer_locked();
	pool_unlock();
}

/* Note that the server had no background worker slot for the sealer. */
static void
note_no_slot(void)
{
	SealDatabase *seal;

	pool_lock();
	seal = seal_find_locked(pool->sealer.database);
	pool->sealer.database = InvalidOid;
	if (seal != NULL)
		seal_fail_turn_locked(seal, "the server had no background worker slot");
	/* Other workers of the extension may have the slots. */
	plan_make_room_locked(NULL, ROOM_ANYWHERE, ROOM_FOR_ANOTHER_WORKER);
	pool_unlock();
	process_report_no_slot("The audit log of workflow_orch waits to be sealed.");
}

/*
 * Start the sealer if a database waits for it and there is none; until is when to
 * look again, unless it is earlier already.  0 is never.
 */
void
sealer_start(TimestampTz *until)
{
	WorkerStart start = {0};
	SealDatabase *next = NULL;

	pool_lock();
	if (!OidIsValid(pool->sealer.database))
		next = seal_next_locked(GetCurrentTimestamp(), until);
	if (next != NULL)
	{
		start.database = next->database;
		start.generation = ++pool->generations;
		memset(&pool->sealer, 0, sizeof(Sealer));
		pool->sealer.database = start.database;
		pool->sealer.generation = start.generation;
	}
	pool_unlock();
	if (next == NULL)
		return;
	sealer_handle = process_start(SEALER_TYPE, "wfo_sealer_main", 0, &start);
	if (sealer_handle == NULL)
	{
		note_no_slot();
		*until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_EVERY);
	}
}
