/*
 * seal.c
 *	  The databases in which the sealer has something to do.
 *
 * This file owns the pool's list of them: who is next, and how the turns of each
 * ended.  What the sealer does in its turn is the business of process/sealer.c.
 *
 * A database is on the list because something was committed there that is to be
 * sealed.  The list is a hint: if it is full, or the server was started anew, the
 * next visit of a keeper finds what there is.
 *
 * A commit finds the flag of its database set in most cases, and then takes no lock.
 * It first makes its rows visible and then reads the flag; a turn first clears the
 * flag and then looks at the rows.  So either the commit finds the flag cleared and
 * sets it, or the turn finds the rows.
 */
#include "postgres.h"

#include <signal.h>

#include "base/settings.h"
#include "model/retry.h"
#include "utils/timestamp.h"
#include "worker/pool/block.h"
#include "worker/pool/seal.h"

/* The pause between two turns in a database, in ms. */
#define TURN_EVERY 1000

/* The pause between two warnings that rows wait too long, in ms. */
#define WARN_EVERY 60000

/* The pause after the first failed turn; it doubles up to poll_interval, if that is longer. */
#define FIRST_PAUSE 5000

/* Find the entry of a database; NULL if it has none. */
SealDatabase *
seal_find_locked(Oid database)
{
	Assert(pool_is_locked());
	for (int i = 0; i < pool->nseals; i++)
		if (pool->seals[i].database == database)
			return &pool->seals[i];
	return NULL;
}

static bool
seal_is_idle_locked(const SealDatabase *seal)
{
	Assert(pool_is_locked());
	return pg_atomic_read_u32(unconstify(pg_atomic_uint32 *, &seal->due)) == 0 && !seal->asked &&
		   seal->look_at == 0 && seal->begun == seal->ended &&
		   seal->database != pool->sealer.database;
}

/* The entry of a database, which may be a new one; NULL if the list is full. */
static SealDatabase *
seal_make_locked(Oid database)
{
	SealDatabase *found = seal_find_locked(database);

	Assert(OidIsValid(database));
	if (found == NULL)
		found = seal_find_locked(InvalidOid);
	if (found == NULL && pool->nseals < POOL_SEALS)
		found = &pool->seals[pool->nseals++];
	for (int i = 0; i < POOL_SEALS && found == NULL; i++)
		if (seal_is_idle_locked(&pool->seals[i]))
			found = &pool->seals[i];
	if (found == NULL || found->database == database)
		return found;
	/* Turns are counted on, so that nobody who waits takes an old turn for a new one. */
	ConditionVariableBroadcast(&found->turn_ended);
	found->database = database;
	found->not_before = 0;
	found->failures = 0;
	found->failed = false;
	found->warned_at = 0;
	return found;
}

/* Have the sealer, or else the launcher, look at the list. */
static void
wake_sealer_locked(void)
{
	Assert(pool_is_locked());
	if (!OidIsValid(pool->sealer.database) || pool->sealer.done)
		pool_wake_launcher_locked();
	else if (pool->sealer.latch != NULL)
		pool_wake_at_unlock_locked(pool->sealer.latch);
}

/*
 * Say that something in a database is to be sealed, which others see already.
 * Called after each commit that wrote to the audit log, so it must not raise an
 * error.
 */
void
seal_want(Oid database)
{
	static SealDatabase *own = NULL; /* what this process found last */

	if (pool == NULL)
		return;
	pg_memory_barrier();
	if (own != NULL && pg_atomic_read_u32(&own->due) != 0)
	{
		/* Only now: an entry gets its database before its flag. */
		pg_read_barrier();
		if (own->database == database)
			return;
	}
	pool_lock();
	own = seal_make_locked(database);
	if (own != NULL && pg_atomic_exchange_u32(&own->due, 1) == 0)
		wake_sealer_locked();
	pool_unlock();
}

/* Have a turn in a database begin at a time, or earlier. */
void
seal_want_at(Oid database, TimestampTz at)
{
	SealDatabase *seal;

	Assert(pool != NULL && at != 0);
	pool_lock();
	seal = seal_make_locked(database);
	if (seal != NULL && (seal->look_at == 0 || at < seal->look_at))
	{
		seal->look_at = at;
		wake_sealer_locked();
	}
	pool_unlock();
}

/*
 * Ask for a turn in a database that begins from now on, and return its entry; NULL
 * if the list is full.  The turn after the last that has begun is such a one.
 */
SealDatabase *
seal_ask_locked(Oid database)
{
	SealDatabase *seal = seal_make_locked(database);

	if (seal != NULL)
	{
		pg_atomic_write_u32(&seal->due, 1);
		seal->asked = true;
		wake_sealer_locked();
	}
	return seal;
}

/* When the next turn of a database is to begin; DT_NOEND: there is nothing to do. */
static TimestampTz
turn_at_locked(SealDatabase *seal)
{
	TimestampTz at = seal->look_at != 0 ? seal->look_at : DT_NOEND;

	Assert(pool_is_locked());
	if (seal->asked)
		return 0;
	if (pg_atomic_read_u32(&seal->due) != 0)
		at = 0;
	return Max(at, seal->not_before);
}

/*
 * The database whose turn is now: of several, the one that has waited longest.
 * NULL if there is none; then *until, unless it is earlier already, is set to when
 * there will be one.  0 is never.
 */
SealDatabase *
seal_next_locked(TimestampTz now, TimestampTz *until)
{
	SealDatabase *next = NULL;
	TimestampTz first = DT_NOEND;

	Assert(pool_is_locked());
	for (int i = 0; i < pool->nseals; i++)
	{
		SealDatabase *seal = &pool->seals[i];
		TimestampTz at;

		if (!OidIsValid(seal->database))
			continue;
		at = turn_at_locked(seal);
		/* A command that has the database for itself tells nobody of its end in time. */
		if (at != DT_NOEND && pool_is_blocked_locked(seal->database))
			at = TimestampTzPlusMilliseconds(now, TURN_EVERY);
		if (at < first || (at == first && next != NULL && seal->not_before < next->not_before))
		{
			first = at;
			next = seal;
		}
	}
	if (first <= now)
		return next;
	if (first != DT_NOEND && (*until == 0 || first < *until))
		*until = first;
	return NULL;
}

/* Whether a warning about a database is due, which the caller then writes. */
bool
seal_may_warn(Oid database, TimestampTz now)
{
	SealDatabase *seal;
	bool due;

	pool_lock();
	seal = seal_make_locked(database);
	due = seal == NULL || seal->warned_at == 0 ||
		  TimestampDifferenceExceeds(seal->warned_at, now, WARN_EVERY);
	if (seal != NULL && due)
		seal->warned_at = now;
	pool_unlock();
	return due;
}

/* Begin a turn.  The caller takes its snapshot afterwards. */
void
seal_begin_turn_locked(SealDatabase *seal)
{
	Assert(pool_is_locked());
	Assert(seal->begun == seal->ended);
	seal->begun++;
	seal->asked = false;
	seal->look_at = 0;
	(void) pg_atomic_exchange_u32(&seal->due, 0);
}

static void
end_turn_locked(SealDatabase *seal, int64 pause)
{
	Assert(pool_is_locked());
	seal->ended = seal->begun;
	seal->not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pause);
	ConditionVariableBroadcast(&seal->turn_ended);
}

/* End a turn that has sealed some rows; look_at is when the next one is due anyway, or 0. */
void
seal_end_turn_locked(SealDatabase *seal, int64 rows, TimestampTz look_at)
{
	Assert(seal->begun != seal->ended);
	seal->failures = 0;
	seal->failed = false;
	seal->rows += rows;
	if (look_at != 0 && (seal->look_at == 0 || look_at < seal->look_at))
		seal->look_at = look_at;
	end_turn_locked(seal, TURN_EVERY);
}

/*
 * End a turn that has failed, or could not begin, and plan another one.  The pauses
 * grow, so that a lasting cause does not fill the log.
 */
void
seal_fail_turn_locked(SealDatabase *seal, const char *error)
{
	if (seal->begun == seal->ended)
		seal_begin_turn_locked(seal);
	seal->failed = true;
	strlcpy(seal->error, error, sizeof(seal->error));
	pg_atomic_write_u32(&seal->due, 1);
	seal->failures++;
	end_turn_locked(seal, retry_delay(seal->failures, FIRST_PAUSE,
									  Max(FIRST_PAUSE, setting_poll_interval), 0));
}

/* Have the sealer leave its database, even in the middle of a turn. */
void
seal_leave_locked(void)
{
	Assert(pool_is_locked());
	pool->sealer.leave = true;
	if (pool->sealer.latch != NULL)
		pool_wake_at_unlock_locked(pool->sealer.latch);
	if (pool->sealer.turning)
		(void) kill(pool->sealer.pid, SIGINT);
}

/* Take a database that was dropped, or has no extension any more, off the list. */
void
seal_forget_locked(SealDatabase *seal, const char *error)
{
	seal_fail_turn_locked(seal, error);
	seal->asked = false;
	seal->look_at = 0;
	seal->database = InvalidOid;
	pg_atomic_write_u32(&seal->due, 0);
}
