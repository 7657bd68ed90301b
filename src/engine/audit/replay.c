/*
 * replay.c
 *	  What the audit log says that rows must be.
 *
 * Owns how a member of an audit row's details is read, which somebody may have
 * changed to anything, and how a row's own time is compared with that of its
 * audit row.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/audit/replay.h"
#include "utils/fmgrprotos.h"

/* How far a row's own time may be from that of its audit row: both are taken within one call. */
#define NEAR (60 * USECS_PER_SEC)

/* How much earlier the time of a row may be that a call of many rows has written. */
#define LONGEST_CALL USECS_PER_HOUR

/* A member that is a string, or NULL. */
char *
replay_text(Jsonb *details, const char *key)
{
	JsonbValue *member = json_find(details, key);

	if (member == NULL || member->type != jbvString)
		return NULL;
	return pnstrdup(member->val.string.val, member->val.string.len);
}

/* A member that is an integer, or 0. */
int64
replay_int64(Jsonb *details, const char *key)
{
	JsonbValue *member = json_find(details, key);
	int64 value;

	return member != NULL && json_value_int64(member, &value) ? value : 0;
}

/* Whether a row's own time is about that of its audit row. */
bool
replay_is_near(TimestampTz time, TimestampTz occurred_at)
{
	if (TIMESTAMP_NOT_FINITE(time) || TIMESTAMP_NOT_FINITE(occurred_at))
		return time == occurred_at;
	return time > occurred_at - NEAR && time < occurred_at + NEAR;
}

/*
 * Whether a row's own time is one of the call that wrote an audit row, which comes at
 * the end of what it tells of.
 */
bool
replay_is_of_call(TimestampTz time, TimestampTz occurred_at)
{
	return replay_is_near(time, occurred_at) ||
		   (!TIMESTAMP_NOT_FINITE(time) && !TIMESTAMP_NOT_FINITE(occurred_at) &&
			time < occurred_at && time > occurred_at - LONGEST_CALL);
}

/* Whether a member is this time. */
bool
replay_is_time(Jsonb *details, const char *key, TimestampTz time)
{
	char *text = replay_text(details, key);

	return text != NULL &&
		   DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1))) == time;
}

/* Whether two ids, each of which may be NULL, are the same. */
bool
replay_is_same_id(const int64 *a, const int64 *b)
{
	return a == NULL || b == NULL ? a == b : *a == *b;
}
