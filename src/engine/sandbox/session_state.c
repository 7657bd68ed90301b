/*
 * session_state.c
 *	  Keeps what a backend remembers from a call, and what a call leaves there
 *	  from its session.
 *
 * A backend remembers things from one statement to the next that are neither
 * settings nor objects: the seed of random(), values taken from sequences,
 * advisory locks that outlast a transaction, open descriptors of large objects,
 * prepared statements, cursors.  A call does not see those of the session, and
 * neither the session nor the next call in a worker sees those of the call.
 * What the server lets us reset is reset before and after a call.  Functions
 * that reach the rest are refused to a call in a session; there is always
 * another way.
 *
 * Cursors (cursors.c) and settings (call_settings.c) have files of their own.
 */
#include "postgres.h"

#include <math.h>

#include "commands/sequence.h"
#include "common/pg_prng.h"
#include "engine/sandbox/session_state.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

/* Random bits, made many at a time, which costs little more than making a few. */
static uint64
secret_bits(void)
{
	static uint64 made[64];
	static int left = 0;

	if (left == 0)
	{
		if (!pg_strong_random(made, sizeof(made)))
			return pg_prng_uint64(&pg_global_prng_state);
		left = lengthof(made);
	}
	return made[--left];
}

/* Seed random() with an unknown value: whoever has called setseed() would know its results. */
void
session_state_reseed(void)
{
	uint64 bits = secret_bits();

	/* setseed() takes numbers from -1 to 1 and uses 52 bits of them. */
	(void) DirectFunctionCall1(setseed, Float8GetDatum(ldexp((double) (bits >> 12), -51) - 1));
}

/* Forget what currval() and lastval() would return, and cached values, which are skipped. */
void
session_state_forget_sequences(void)
{
	ResetSequenceCaches();
}

/* Whether a function of the server takes or releases an advisory lock of the session. */
bool
session_state_is_advisory_lock(Oid function)
{
	switch (function)
	{
		case F_PG_ADVISORY_LOCK_INT8:
		case F_PG_ADVISORY_LOCK_INT4_INT4:
		case F_PG_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_INT8:
		case F_PG_TRY_ADVISORY_LOCK_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_INT8:
		case F_PG_ADVISORY_UNLOCK_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_SHARED_INT8:
		case F_PG_ADVISORY_UNLOCK_SHARED_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_ALL:
			return true;
		default:
			return false;
	}
}

/*
 * Whether a function of the server uses a descriptor of a large object, which may
 * be the session's, or shows its prepared statements.
 */
bool
session_state_is_touched_by(Oid function)
{
	switch (function)
	{
		case F_LO_OPEN:
		case F_LO_CLOSE:
		case F_LOREAD:
		case F_LOWRITE:
		case F_LO_LSEEK:
		case F_LO_LSEEK64:
		case F_LO_TELL:
		case F_LO_TELL64:
		case F_LO_TRUNCATE:
		case F_LO_TRUNCATE64:
		case F_PG_PREPARED_STATEMENT:
			return true;
		default:
			return false;
	}
}
