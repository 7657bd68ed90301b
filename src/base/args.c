/*
 * args.c
 *	  Reads the arguments of SQL-callable functions.
 *
 * Owns what a valid argument is and how an invalid one is reported.  The
 * functions are not STRICT: a NULL where a value is required is an error that
 * names the argument, not a NULL result.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "base/args.h"
#include "base/errors.h"
#include "base/settings.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* Refuse a NULL where a value is required. */
void
arg_require(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		report_invalid("wfo_argument_null", errmsg("argument \"%s\" must not be null", name));
}

int64
arg_int64(FunctionCallInfo fcinfo, int n, const char *name)
{
	arg_require(fcinfo, n, name);
	refusal_note_argument(fcinfo, n, PG_GETARG_INT64(n));
	return PG_GETARG_INT64(n);
}

bool
arg_bool(FunctionCallInfo fcinfo, int n, const char *name)
{
	arg_require(fcinfo, n, name);
	return PG_GETARG_BOOL(n);
}

TimestampTz
arg_time(FunctionCallInfo fcinfo, int n, const char *name)
{
	arg_require(fcinfo, n, name);
	return PG_GETARG_TIMESTAMPTZ(n);
}

int64 *
arg_int64_or_null(FunctionCallInfo fcinfo, int n)
{
	int64 *value;

	if (PG_ARGISNULL(n))
		return NULL;
	value = palloc(sizeof(int64));
	*value = PG_GETARG_INT64(n);
	refusal_note_argument(fcinfo, n, *value);
	return value;
}

bool *
arg_bool_or_null(FunctionCallInfo fcinfo, int n)
{
	bool *value;

	if (PG_ARGISNULL(n))
		return NULL;
	value = palloc(sizeof(bool));
	*value = PG_GETARG_BOOL(n);
	return value;
}

/* Refuse a text or document that is larger than workflow_orch.max_params_size: 54000. */
void
arg_check_size(Size size, const char *name)
{
	if (size > (Size) setting_max_params_size * 1024)
		report_limit("wfo_argument_too_long", errmsg("argument \"%s\" is too long", name),
					 errdetail("It has %zu bytes; the limit is %d kB.", size,
							   setting_max_params_size),
					 errhint("The limit is the setting workflow_orch.max_params_size."));
}

/* Refuse a condition that is larger than CONDITION_MAX: 54000. */
void
arg_check_condition_size(const JsonPath *condition)
{
	if (VARSIZE(condition) > CONDITION_MAX)
		report_limit("wfo_argument_too_long", errmsg("argument \"condition\" is too long"),
					 errdetail("It has %u bytes; the limit is %d.", (unsigned) VARSIZE(condition),
							   CONDITION_MAX),
					 errhint("Use several, each in a rule or standing approval of its own."));
}

/* Check the size before reading the value into memory. */
char *
arg_text_or_null(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		return NULL;
	arg_check_size(toast_raw_datum_size(PG_GETARG_DATUM(n)) - VARHDRSZ, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* Whether a text has nothing but white space. */
bool
text_is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n\f\v")] == '\0';
}

/* A text that is not empty and not only white space. */
char *
arg_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	char *value;

	arg_require(fcinfo, n, name);
	value = arg_text_or_null(fcinfo, n, name);
	if (text_is_blank(value))
		report_invalid("wfo_argument_empty", errmsg("argument \"%s\" must not be empty", name));
	return value;
}

static char *
check_key(char *value, const char *name)
{
	if (strlen(value) > KEY_TEXT_MAX)
		report_limit("wfo_argument_too_long", errmsg("argument \"%s\" is too long", name),
					 errdetail("It has %zu bytes; the limit is %d.", strlen(value), KEY_TEXT_MAX),
					 errhint("Give a shorter one."));
	return value;
}

/* A non-empty text that is stored in an index. */
char *
arg_key(FunctionCallInfo fcinfo, int n, const char *name)
{
	return check_key(arg_text(fcinfo, n, name), name);
}

char *
arg_key_or_null(FunctionCallInfo fcinfo, int n, const char *name)
{
	return PG_ARGISNULL(n) ? NULL : arg_key(fcinfo, n, name);
}

static bool
is_within(int64 value, int64 limit)
{
	return value >= -limit && value <= limit;
}

/*
 * An interval from zero to INTERVAL_MAX_YEARS. Each of its parts must be in
 * that range, too: parts that cancel each other out would still overflow a
 * timestamp.
 */
Interval *
arg_interval_or_null(FunctionCallInfo fcinfo, int n, const char *name)
{
	Interval zero = {0};
	Interval max = {.month = INTERVAL_MAX_YEARS * MONTHS_PER_YEAR};
	Interval *value;

	if (PG_ARGISNULL(n))
		return NULL;
	value = PG_GETARG_INTERVAL_P(n);
	if (DatumGetBool(DirectFunctionCall2(interval_lt, IntervalPGetDatum(value),
										 IntervalPGetDatum(&zero))))
		report_invalid("wfo_argument_invalid", errmsg("argument \"%s\" must not be negative", name),
					   errhint("A zero interval means no limit."));
	if (DatumGetBool(DirectFunctionCall2(interval_gt, IntervalPGetDatum(value),
										 IntervalPGetDatum(&max))) ||
		!is_within(value->month, max.month) ||
		!is_within(value->day, (int64) max.month * DAYS_PER_MONTH) ||
		!is_within(value->time, (int64) max.month * DAYS_PER_MONTH * USECS_PER_DAY))
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"%s\" must not be more than %d years", name,
							  INTERVAL_MAX_YEARS),
					   errhint("A zero interval means no limit."));
	return value;
}

/* A JSON object; the params of a call have a limit, and an error, of their own. */
Jsonb *
arg_jsonb_object(FunctionCallInfo fcinfo, int n, const char *name)
{
	Jsonb *value;

	arg_require(fcinfo, n, name);
	value = PG_GETARG_JSONB_P(n);
	if (!JB_ROOT_IS_OBJECT(value))
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"%s\" must be a JSON object", name));
	return value;
}

Jsonb *
arg_document(FunctionCallInfo fcinfo, int n, const char *name)
{
	arg_require(fcinfo, n, name);
	arg_check_size(toast_raw_datum_size(PG_GETARG_DATUM(n)), name);
	return arg_jsonb_object(fcinfo, n, name);
}

/* A condition of a rule. */
JsonPath *
arg_jsonpath_or_null(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		return NULL;
	arg_check_size(toast_raw_datum_size(PG_GETARG_DATUM(n)), name);
	return PG_GETARG_JSONPATH_P(n);
}

/* An existing role, or InvalidOid for NULL. */
Oid
arg_role_or_invalid(FunctionCallInfo fcinfo, int n, const char *name)
{
	Oid role;

	if (PG_ARGISNULL(n))
		return InvalidOid;
	role = PG_GETARG_OID(n);
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		report_unknown("wfo_unknown_role", errmsg("role with OID %u does not exist", role),
					   errdetail("It was given as argument \"%s\".", name));
	return role;
}

/* The same, for a role that must be given. */
Oid
arg_role(FunctionCallInfo fcinfo, int n, const char *name)
{
	arg_require(fcinfo, n, name);
	return arg_role_or_invalid(fcinfo, n, name);
}
