/*
 * log_limit.c
 *	  Limits how many lines of one kind a backend writes to the server log.
 *
 * It owns the counting.  What the lines say is the business of its callers.
 *
 * A caller that makes a refused call in a loop and catches the error could
 * otherwise fill the log's disk.  Lines are counted by kind and, where they are
 * about something with an id, by that id.  The first lines of a minute are
 * written at once.  One more line says how many others there were: it comes with
 * the next line after that minute, or when the backend ends.  The number of
 * counters is fixed; kinds that share one are counted together.
 */
#include "postgres.h"

#include "base/log_limit.h"
#include "common/hashfn.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#define LINES_PER_PERIOD 20
#define PERIOD_MS (60 * 1000)
#define PLACES 64

typedef struct Place
{
	const char *kind; /* of the first line; NULL: nothing was written yet */
	TimestampTz since;
	int written;
	int64 left_out;
} Place;

static Place places[PLACES];

/* Log how many lines were left out, and start counting again. */
static void
sum_up(Place *place)
{
	if (place->left_out > 0)
		ereport(LOG_SERVER_ONLY,
				(errhidestmt(true), errhidecontext(true),
				 errmsg("left " INT64_FORMAT " lines of the kind \"%s\" out of the log",
						place->left_out, place->kind),
				 errdetail("They are of the time since %s.", timestamptz_to_str(place->since))));
	place->kind = NULL;
	place->written = 0;
	place->left_out = 0;
}

static void
sum_up_all(pg_attribute_unused() int code, pg_attribute_unused() Datum arg)
{
	for (int i = 0; i < PLACES; i++)
		sum_up(&places[i]);
}

/*
 * Whether to write a line of this kind now. id is the id of what it is about,
 * or 0 if there is none; kind is a constant string.
 */
bool
log_limit_pass(const char *kind, int64 id)
{
	static bool defined = false;
	Place *place =
		&places[hash_bytes_extended((const unsigned char *) kind, strlen(kind), (uint64) id) %
				PLACES];
	TimestampTz now = GetCurrentTimestamp();

	if (!defined)
	{
		on_proc_exit(sum_up_all, (Datum) 0);
		defined = true;
	}
	for (int i = 0; i < PLACES; i++)
		if (places[i].kind != NULL && TimestampDifferenceExceeds(places[i].since, now, PERIOD_MS))
			sum_up(&places[i]);
	if (place->kind == NULL)
	{
		place->kind = kind;
		place->since = now;
	}
	if (place->written == LINES_PER_PERIOD)
	{
		place->left_out++;
		return false;
	}
	place->written++;
	return true;
}
