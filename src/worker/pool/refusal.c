/*
 * refusal.c
 *	  Refused attempts on their way to the sealer.
 *
 * This file owns the memory in which sessions leave their refused attempts, its
 * lock, and the limits: how many attempts of a login get a row of the audit log and
 * a line of the server's log.
 *
 * Attempts of one kind, which is one login, call, reason and proposal, share a
 * record.  The first of them is written at once.  The others of the same minute are
 * counted, and the count is written when the minute is over.  A login may begin
 * workflow_orch.max_refusals_per_minute records in a minute.  Its other attempts are
 * counted in its counter, which is written a minute after the first of them.
 *
 * The memory is fixed, and nobody waits for room.  So that no login can keep
 * another one out:
 *
 * - Limits are applied before a record is taken.
 * - A record whose first attempt is written can be taken for another one; what it
 *   has counted goes to the counter of its login.
 * - Only the first record of a login in a minute may use the last half of the
 *   records; without a record an attempt is counted in the counter of its login.
 * - There are counters for 2,048 logins.  Logins are told apart by sets; if all
 *   counters of a set are in use in the same minute, the other logins of the set
 *   share one more, and have that limit together.
 *
 * So with so many logins at once that they fill the memory within the second that
 * the sealer takes, an attempt may be no more than a number.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/settings.h"
#include "common/hashfn.h"
#include "utils/timestamp.h"
#include "worker/pool/refusal.h"

#define RECORDS 1024
#define SETS 256
#define COUNTERS_OF_SET 9 /* the last one is shared */
#define PERIOD_MS 60000
#define NO_RECORD (-1)

/* A kind of attempts. */
typedef struct RefusalRecord
{
	Oid database; /* InvalidOid: not in use */
	Oid login;
	uint32 hash;
	int next; /* of the records with this hash */
	uint64 generation;
	bool written;           /* the row of the first attempt */
	RefusedAttempt first;   /* with the session that made it */
	int64 repeats;          /* further attempts that are not written yet */
	TimestampTz repeats_at; /* the first of these */
	TimestampTz last_at;
} RefusalRecord;

/* What a login may still do in its minute. */
typedef struct RefusalCounter
{
	Oid database; /* InvalidOid: not in use */
	Oid login;
	TimestampTz since; /* of its minute */
	int begun;         /* records in this minute */
	int64 flood;       /* attempts that got no record and are not written yet */
	TimestampTz flood_at;
	TimestampTz last_at;
	RefusedSession session; /* that made the first of these */
} RefusalCounter;

typedef struct RefusalMemory
{
	uint64 generations;
	int waiting; /* records whose first attempt is not written */
	int hand;    /* where the search for a record goes on */
	int heads[RECORDS];
	RefusalRecord records[RECORDS];
	RefusalCounter counters[SETS * COUNTERS_OF_SET];
} RefusalMemory;

static RefusalMemory *memory;
static LWLock *memory_lock;

Size
refusal_size(void)
{
	return MAXALIGN(sizeof(RefusalMemory));
}

/* Attach to the memory; found: another process has filled it. */
void
refusal_init(void *area, LWLock *lock, bool found)
{
	memory = area;
	memory_lock = lock;
	if (found)
		return;
	memset(memory, 0, sizeof(RefusalMemory));
	for (int i = 0; i < RECORDS; i++)
		memory->heads[i] = NO_RECORD;
}

static bool
is_over(TimestampTz since, TimestampTz now)
{
	return TimestampDifferenceExceeds(since, now, PERIOD_MS);
}

/* The counter of a login, which is new, or that of its minute before, or shared. */
static RefusalCounter *
counter_of(Oid database, Oid login, TimestampTz now)
{
	uint32 set = hash_combine(murmurhash32(database), murmurhash32(login)) % SETS;
	RefusalCounter *counters = &memory->counters[(Size) set * COUNTERS_OF_SET];
	RefusalCounter *found = NULL;

	for (int i = 0; i < COUNTERS_OF_SET - 1; i++)
	{
		RefusalCounter *counter = &counters[i];

		if (counter->database == database && counter->login == login)
		{
			found = counter;
			break;
		}
		if (found == NULL && (!OidIsValid(counter->database) ||
							  (counter->flood == 0 && is_over(counter->since, now))))
			found = counter;
	}
	if (found == NULL)
		found = &counters[COUNTERS_OF_SET - 1];
	if ((found->database != database || found->login != login) && found->flood == 0 &&
		(found != &counters[COUNTERS_OF_SET - 1] || is_over(found->since, now)))
	{
		memset(found, 0, sizeof(RefusalCounter));
		found->database = database;
		found->login = login;
		found->since = now;
	}
	if (is_over(found->since, now))
	{
		found->since = now;
		found->begun = 0;
	}
	return found;
}

static void
count_in_counter(RefusalCounter *counter, const RefusedSession *session, int64 count,
				 TimestampTz first_at, TimestampTz last_at)
{
	if (counter->flood == 0)
	{
		counter->session = *session;
		counter->flood_at = first_at;
	}
	counter->flood += count;
	counter->last_at = last_at;
}

static uint32
hash_of(Oid database, Oid login, const RefusedAttempt *attempt)
{
	uint32 hash = hash_combine(murmurhash32(database), murmurhash32(login));
	int64 proposal_id = attempt->has_id[REFUSAL_PROPOSAL] ? attempt->ids[REFUSAL_PROPOSAL] : 0;

	hash = hash_combine(hash, string_hash(attempt->call, NAMEDATALEN));
	hash = hash_combine(hash, string_hash(attempt->reason, REFUSED_REASON_MAX));
	return hash_combine(hash, murmurhash32((uint32) proposal_id ^ (uint32) (proposal_id >> 32)));
}

static bool
is_of_kind(const RefusalRecord *record, const RefusedAttempt *attempt)
{
	const RefusedAttempt *first = &record->first;

	return first->has_id[REFUSAL_PROPOSAL] == attempt->has_id[REFUSAL_PROPOSAL] &&
		   first->ids[REFUSAL_PROPOSAL] == attempt->ids[REFUSAL_PROPOSAL] &&
		   strcmp(first->call, attempt->call) == 0 && strcmp(first->table, attempt->table) == 0 &&
		   strcmp(first->reason, attempt->reason) == 0;
}

static RefusalRecord *
find_record(Oid database, Oid login, uint32 hash, const RefusedAttempt *attempt)
{
	for (int i = memory->heads[hash % RECORDS]; i != NO_RECORD; i = memory->records[i].next)
	{
		RefusalRecord *record = &memory->records[i];

		if (record->hash == hash && record->database == database && record->login == login &&
			is_of_kind(record, attempt))
			return record;
	}
	return NULL;
}

/* Free a record.  What it has counted is lost. */
static void
free_record(RefusalRecord *record)
{
	int *link = &memory->heads[record->hash % RECORDS];
	int index = (int) (record - memory->records);

	while (*link != index)
		link = &memory->records[*link].next;
	*link = record->next;
	if (!record->written)
		memory->waiting--;
	record->database = InvalidOid;
}

/* A record that can be taken, free now; NULL if there is none. */
static RefusalRecord *
room_for_record(TimestampTz now)
{
	RefusalRecord *counting = NULL;

	if (memory->waiting == RECORDS)
		return NULL;
	for (int i = 0; i < RECORDS; i++)
	{
		RefusalRecord *record = &memory->records[memory->hand];

		memory->hand = (memory->hand + 1) % RECORDS;
		if (!OidIsValid(record->database))
			return record;
		if (record->written && record->repeats == 0)
		{
			free_record(record);
			return record;
		}
		if (record->written && counting == NULL)
			counting = record;
	}
	if (counting != NULL)
	{
		count_in_counter(counter_of(counting->database, counting->login, now),
						 &counting->first.session, counting->repeats, counting->repeats_at,
						 counting->last_at);
		free_record(counting);
	}
	return counting;
}

/* Count an attempt of a kind that has a record. */
static void
note_repeat(RefusalRecord *record, const RefusedAttempt *attempt, RefusalVerdict *verdict)
{
	if (record->repeats == 0)
	{
		record->repeats_at = attempt->first_at;
		verdict->look_at = TimestampTzPlusMilliseconds(record->first.first_at, PERIOD_MS);
	}
	record->repeats++;
	record->last_at = attempt->first_at;
}

/* Begin a record, if the limits allow that: false if they do not, or there is no room. */
static bool
begin_record(Oid database, Oid login, uint32 hash, const RefusedAttempt *attempt,
			 RefusalCounter *counter)
{
	RefusalRecord *record;

	if (counter->begun > 0 && memory->waiting >= RECORDS / 2)
		return false;
	record = room_for_record(attempt->first_at);
	if (record == NULL)
		return false;
	memset(record, 0, sizeof(RefusalRecord));
	record->database = database;
	record->login = login;
	record->hash = hash;
	record->generation = ++memory->generations;
	record->first = *attempt;
	record->next = memory->heads[hash % RECORDS];
	memory->heads[hash % RECORDS] = (int) (record - memory->records);
	memory->waiting++;
	return true;
}

/*
 * Note an attempt, and say what its process is to do.  It raises no error, and waits
 * for no room.
 */
void
refusal_note(Oid database, Oid login, const RefusedAttempt *attempt, RefusalVerdict *verdict)
{
	uint32 hash = hash_of(database, login, attempt);
	TimestampTz now = attempt->first_at;
	bool has_sealer = !RecoveryInProgress();
	RefusalRecord *record;
	RefusalCounter *counter;

	memset(verdict, 0, sizeof(RefusalVerdict));
	LWLockAcquire(memory_lock, LW_EXCLUSIVE);
	record = find_record(database, login, hash, attempt);
	/* On a standby nobody writes what has been counted. */
	if (record != NULL && is_over(record->first.first_at, now) &&
		(record->repeats == 0 || !has_sealer) && record->written)
	{
		verdict->left_out = record->repeats;
		free_record(record);
		record = NULL;
	}
	if (record != NULL)
		note_repeat(record, attempt, verdict);
	else
	{
		counter = counter_of(database, login, now);
		if (!has_sealer && counter->flood > 0 && is_over(counter->flood_at, now))
		{
			verdict->left_out += counter->flood;
			counter->flood = 0;
		}
		verdict->log = counter->begun < setting_max_refusals_per_minute;
		verdict->wake = verdict->log && begin_record(database, login, hash, attempt, counter);
		if (verdict->log)
			counter->begun++;
		if (!verdict->wake)
		{
			if (counter->flood == 0)
				verdict->look_at = TimestampTzPlusMilliseconds(now, PERIOD_MS);
			count_in_counter(counter, &attempt->session, 1, now, now);
		}
		else if (!has_sealer)
		{
			/* The line in the log is all that there will be. */
			memory->records[memory->heads[hash % RECORDS]].written = true;
			memory->waiting--;
		}
	}
	LWLockRelease(memory_lock);
}

/* Copy what is to be written of a record, if there is something: returns whether there is. */
static bool
collect_record(int index, TimestampTz now, RefusedAttempt *attempt, RefusalPlace *place)
{
	const RefusalRecord *record = &memory->records[index];

	if (record->written && (record->repeats == 0 || !is_over(record->first.first_at, now)))
		return false;
	*attempt = record->first;
	*place = (RefusalPlace){.record = index, .generation = record->generation};
	if (!record->written)
		return true;
	place->count = attempt->count = record->repeats;
	attempt->first_at = record->repeats_at;
	attempt->last_at = record->last_at;
	return true;
}

static bool
collect_counter(int index, TimestampTz now, RefusedAttempt *attempt, RefusalPlace *place)
{
	const RefusalCounter *counter = &memory->counters[index];

	if (counter->flood == 0 || !is_over(counter->flood_at, now))
		return false;
	memset(attempt, 0, sizeof(RefusedAttempt));
	attempt->session = counter->session;
	attempt->count = counter->flood;
	attempt->first_at = counter->flood_at;
	attempt->last_at = counter->last_at;
	*place = (RefusalPlace){.record = NO_RECORD, .login = index, .count = counter->flood};
	return true;
}

/*
 * Copy up to max attempts of a database that are to be written now, and where they
 * came from: returns how many there are.  They stay where they are until
 * refusal_forget_written().
 */
int
refusal_collect(Oid database, RefusedAttempt *attempts, RefusalPlace *places, int max)
{
	TimestampTz now = GetCurrentTimestamp();
	int count = 0;

	LWLockAcquire(memory_lock, LW_SHARED);
	for (int i = 0; i < RECORDS && count < max; i++)
		if (memory->records[i].database == database &&
			collect_record(i, now, &attempts[count], &places[count]))
			count++;
	for (int i = 0; i < SETS * COUNTERS_OF_SET && count < max; i++)
		if (memory->counters[i].database == database &&
			collect_counter(i, now, &attempts[count], &places[count]))
			count++;
	LWLockRelease(memory_lock);
	return count;
}

static void
forget_written(const RefusalPlace *place)
{
	RefusalRecord *record;

	if (place->record == NO_RECORD)
	{
		RefusalCounter *counter = &memory->counters[place->login];

		counter->flood = Max(counter->flood - place->count, 0);
		counter->flood_at = counter->last_at;
		return;
	}
	record = &memory->records[place->record];
	if (!OidIsValid(record->database) || record->generation != place->generation)
		return;
	if (place->count == 0 && !record->written)
	{
		record->written = true;
		memory->waiting--;
	}
	else if (place->count > 0)
	{
		/* What has come since begins another minute. */
		record->repeats = Max(record->repeats - place->count, 0);
		record->repeats_at = record->first.first_at = record->last_at;
		if (record->repeats == 0)
			free_record(record);
	}
}

/* Forget attempts whose rows have been committed. */
void
refusal_forget_written(const RefusalPlace *places, int count)
{
	LWLockAcquire(memory_lock, LW_EXCLUSIVE);
	for (int i = 0; i < count; i++)
		forget_written(&places[i]);
	LWLockRelease(memory_lock);
}

/* When what has been counted in a database is to be written next; 0: there is nothing. */
TimestampTz
refusal_next(Oid database)
{
	TimestampTz next = DT_NOEND;

	LWLockAcquire(memory_lock, LW_SHARED);
	for (int i = 0; i < RECORDS; i++)
		if (memory->records[i].database == database && memory->records[i].repeats > 0)
			next = Min(next, memory->records[i].first.first_at);
	for (int i = 0; i < SETS * COUNTERS_OF_SET; i++)
		if (memory->counters[i].database == database && memory->counters[i].flood > 0)
			next = Min(next, memory->counters[i].flood_at);
	LWLockRelease(memory_lock);
	return next != DT_NOEND ? TimestampTzPlusMilliseconds(next, PERIOD_MS + 1) : 0;
}

/* Whether no database has anything that is not written. */
bool
refusal_is_empty(void)
{
	bool empty;

	LWLockAcquire(memory_lock, LW_SHARED);
	empty = memory->waiting == 0;
	for (int i = 0; i < RECORDS && empty; i++)
		empty = !OidIsValid(memory->records[i].database) || memory->records[i].repeats == 0;
	for (int i = 0; i < SETS * COUNTERS_OF_SET && empty; i++)
		empty = memory->counters[i].flood == 0;
	LWLockRelease(memory_lock);
	return empty;
}

/* Whether a database has attempts that are to be written now. */
bool
refusal_waits(Oid database)
{
	RefusedAttempt attempt;
	RefusalPlace place;

	return refusal_collect(database, &attempt, &place, 1) > 0;
}

/* Forget the attempts in a database that was dropped, or has no extension any more. */
void
refusal_forget_database(Oid database)
{
	LWLockAcquire(memory_lock, LW_EXCLUSIVE);
	for (int i = 0; i < RECORDS; i++)
		if (memory->records[i].database == database)
			free_record(&memory->records[i]);
	for (int i = 0; i < SETS * COUNTERS_OF_SET; i++)
		if (memory->counters[i].database == database)
			memset(&memory->counters[i], 0, sizeof(RefusalCounter));
	LWLockRelease(memory_lock);
}
