/*
 * visit.c
 *	  When the launcher sends a keeper again where one has failed.
 *
 * A visit that comes to nothing (a lock on the tables, a database that nobody
 * may connect to) is made again later and later, so that what lasts does not
 * fill the log, but no later than all queues are looked through: what
 * is in no group of the pool is found by a visit alone.  Kept in the launcher's own memory.
 */
#include "postgres.h"

#include "base/settings.h"
#include "model/retry.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "worker/process/visit.h"

/* When to visit again after the first failure, in ms; doubles up to poll_interval, if that is longer. */
#define FIRST_DELAY 5000

typedef struct FailedVisit
{
	Oid database;
	int failures;
	TimestampTz again; /* DT_NOEND: another visit is to begin or under way */
} FailedVisit;

static List *failed_visits = NIL;

static FailedVisit *
find(Oid database)
{
	ListCell *cell;

	foreach (cell, failed_visits)
	{
		FailedVisit *visit = lfirst(cell);

		if (visit->database == database)
			return visit;
	}
	return NULL;
}

/* The visit of a database came to nothing: another is to follow. */
void
visit_failed(Oid database)
{
	FailedVisit *visit = find(database);
	int64 delay;

	if (visit == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		visit = palloc0(sizeof(FailedVisit));
		visit->database = database;
		failed_visits = lappend(failed_visits, visit);
		MemoryContextSwitchTo(old);
	}
	delay = retry_delay(++visit->failures, FIRST_DELAY, Max(FIRST_DELAY, setting_poll_interval), 0);
	visit->again = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay);
}

void
visit_succeeded(Oid database)
{
	FailedVisit *visit = find(database);

	if (visit == NULL)
		return;
	failed_visits = list_delete_ptr(failed_visits, visit);
	pfree(visit);
}

/* Forget the databases that are not in the list. */
void
visit_forget_others(const List *databases)
{
	ListCell *cell;

	foreach (cell, failed_visits)
	{
		FailedVisit *visit = lfirst(cell);

		if (list_member_oid(databases, visit->database))
			continue;
		failed_visits = foreach_delete_current(failed_visits, cell);
		pfree(visit);
	}
}

/*
 * Whether a database is to be visited now: where a visit has failed when its
 * time has come, which is then over, and else as the caller says.
 */
bool
visit_is_due(Oid database, bool otherwise)
{
	FailedVisit *visit = find(database);

	if (visit == NULL)
		return otherwise;
	if (visit->again > GetCurrentTimestamp())
		return false;
	visit->again = DT_NOEND;
	return true;
}

/* When the first of the failed visits is to be made again; 0: there is none. */
TimestampTz
visit_next_retry(void)
{
	TimestampTz next = 0;
	ListCell *cell;

	foreach (cell, failed_visits)
	{
		const FailedVisit *visit = lfirst(cell);

		if (!TIMESTAMP_IS_NOEND(visit->again) && (next == 0 || visit->again < next))
			next = visit->again;
	}
	return next;
}
