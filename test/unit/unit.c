/*
 * unit.c
 *		The assertions of unit.h, which collect TAP in a buffer.
 */
#include "unit.h"

#include "utils/builtins.h"

PG_MODULE_MAGIC;

static StringInfoData output;
static int count;

Datum
unit_run(void (*tests)(void))
{
	initStringInfo(&output);
	count = 0;
	tests();
	appendStringInfo(&output, "1..%d", count);
	return CStringGetTextDatum(output.data);
}

void
ok(bool condition, const char *description, ...)
{
	int saved_errno = errno;

	appendStringInfo(&output, "%s %d - ", condition ? "ok" : "not ok", ++count);
	for (;;)
	{
		va_list args;
		int needed;

		errno = saved_errno;
		va_start(args, description);
		needed = appendStringInfoVA(&output, description, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&output, needed);
	}
	appendStringInfoChar(&output, '\n');
}

/* Adds what was got and what was expected below a failed assertion. */
static void
compare(bool equal, const char *got, const char *expected, const char *description)
{
	ok(equal, "%s", description);
	if (!equal)
		appendStringInfo(&output, "#          got: %s\n#     expected: %s\n", got ? got : "NULL",
						 expected ? expected : "NULL");
}

void
is_text(const char *got, const char *expected, const char *description)
{
	bool equal = got && expected ? strcmp(got, expected) == 0 : got == expected;

	compare(equal, got, expected, description);
}

void
is_int(int64 got, int64 expected, const char *description)
{
	compare(got == expected, psprintf(INT64_FORMAT, got), psprintf(INT64_FORMAT, expected),
			description);
}

void
is_jsonb(Jsonb *got, const char *expected, const char *description)
{
	char *got_text = NULL;
	char *expected_text = NULL;

	if (got)
		got_text = JsonbToCString(NULL, &got->root, VARSIZE(got));
	if (expected)
	{
		Jsonb *value = jsonb(expected);

		expected_text = JsonbToCString(NULL, &value->root, VARSIZE(value));
	}
	is_text(got_text, expected_text, description);
}

Jsonb *
jsonb(const char *literal)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(literal)));
}

/* Takes the current error off the stack and returns its SQLSTATE. */
int
unit_caught(MemoryContext context)
{
	ErrorData *error;
	int code;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	code = error->sqlerrcode;
	FreeErrorData(error);
	return code;
}
