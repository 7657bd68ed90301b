/*
 * retry.c
 *	  Whether a failed call is tried again, and when.
 *
 * It owns the decision and the delay.  The caller writes the attempt, and knows
 * what a failure means for the proposal.
 *
 * The delays are those of "equal jitter" in Marc Brooker, "Exponential Backoff
 * And Jitter" (AWS Architecture Blog, 2015): twice as long from attempt to
 * attempt up to a limit, half of it at random, so that calls that failed
 * together do not come back together.
 */
#include "postgres.h"

#include "model/retry.h"

#define SQLSTATE_LENGTH 5
#define CLASS_LENGTH 2

/* The separators of entries. */
#define SEPARATORS ", \t\n"

static bool
is_code(const char *entry, size_t length)
{
	if (length != SQLSTATE_LENGTH && length != CLASS_LENGTH)
		return false;
	return strspn(entry, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") >= length;
}

/* Step to the next entry of a list.  Returns false after the last. */
static bool
next_entry(const char **entry, size_t *length)
{
	*entry += *length;
	*entry += strspn(*entry, SEPARATORS);
	*length = strcspn(*entry, SEPARATORS);
	return *length > 0;
}

/* Whether a list consists of SQLSTATEs and of classes, their first two characters. */
bool
retry_list_is_valid(const char *list)
{
	size_t length = 0;

	while (next_entry(&list, &length))
		if (!is_code(list, length))
			return false;
	return true;
}

/* Whether a list contains a SQLSTATE or its class. */
bool
retry_list_has(const char *list, const char *sqlstate)
{
	size_t length = 0;

	while (next_entry(&list, &length))
		if (strncmp(list, sqlstate, length) == 0)
			return true;
	return false;
}

/*
 * How long to wait after an attempt (1 is the first) before the next, in the
 * unit of base and limit; random is in [0, 1).
 */
int64
retry_delay(int64 attempt, int64 base, int64 limit, double random)
{
	int64 delay = Min(base, limit);

	for (int64 i = 1; i < attempt && delay < limit; i++)
		delay = Min(delay * 2, limit);
	return delay - (int64) ((double) delay / 2.0 * random);
}
