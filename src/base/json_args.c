/*
 * json_args.c
 *	  Reads the members of a JSON object that stands for arguments.
 *
 * It owns the messages about an argument that is an array of objects: every
 * call that takes one has its elements read here.  What the members mean is for
 * the call to know.
 */
#include "postgres.h"

#include "base/args.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/json_args.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* How many elements an argument that is an array may have. */
#define ELEMENTS_MAX 100000

/* The hint of an error: how an element looks, where the call says so. */
static int
hint_of(const JsonArgs *args)
{
	return args->hint != NULL ? errhint("%s", args->hint) : 0;
}

static void
report_malformed(const JsonArgs *args, const char *key, const char *wanted)
{
	report_invalid("wfo_argument_invalid",
				   errmsg("member \"%s\" of element %d of argument \"%s\" must be %s", key,
						  args->index, args->argument, wanted),
				   hint_of(args));
}

/* Refuse an array with more elements than one call takes: 54000. */
static void
check_count(Jsonb *array, const char *argument)
{
	if (JB_ROOT_COUNT(array) > ELEMENTS_MAX)
		report_limit("wfo_too_many_elements",
					 errmsg("argument \"%s\" has too many elements", argument),
					 errdetail("There are %u; the limit is %d.", JB_ROOT_COUNT(array),
							   ELEMENTS_MAX),
					 errhint("Make several calls."));
}

/* The elements of an array of objects, which is the argument that args names. */
Jsonb **
json_args_elements(const JsonArgs *args, Jsonb *array, int *count)
{
	Jsonb **elements;
	JsonbIterator *it;
	JsonbValue value;

	*count = 0;
	if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"%s\" must be a JSON array of objects", args->argument),
					   hint_of(args));
	check_count(array, args->argument);
	elements = palloc(sizeof(Jsonb *) * Max(JB_ROOT_COUNT(array), 1));
	it = JsonbIteratorInit(&array->root);
	(void) JsonbIteratorNext(&it, &value, true);
	while (JsonbIteratorNext(&it, &value, true) == WJB_ELEM)
	{
		if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
			report_invalid("wfo_argument_invalid",
						   errmsg("element %d of argument \"%s\" must be a JSON object", *count,
								  args->argument),
						   hint_of(args));
		elements[(*count)++] = JsonbValueToJsonb(&value);
	}
	return elements;
}

/* Refuse members with other names; keys ends with NULL. */
void
json_args_check_keys(const JsonArgs *args, const char *const *keys)
{
	JsonbIterator *it = JsonbIteratorInit(&args->object->root);
	JsonbValue value;

	(void) JsonbIteratorNext(&it, &value, true);
	while (JsonbIteratorNext(&it, &value, true) == WJB_KEY)
	{
		char *name = pnstrdup(value.val.string.val, value.val.string.len);
		const char *const *key = keys;

		while (*key != NULL && strcmp(*key, name) != 0)
			key++;
		if (*key == NULL)
			report_invalid("wfo_argument_invalid",
						   errmsg("element %d of argument \"%s\" has an unknown member \"%s\"",
								  args->index, args->argument, name),
						   hint_of(args));
		(void) JsonbIteratorNext(&it, &value, true);
	}
}

static JsonbValue *
find_given_member(const JsonArgs *args, const char *key)
{
	JsonbValue *value = json_find(args->object, key);

	return value != NULL && value->type != jbvNull ? value : NULL;
}

/* Whether a text is a number of bigint, by the server's own reading. */
static bool
parse_int64(const char *text, int64 *number)
{
	char *end;

	errno = 0;
	*number = strtoi64(text, &end, 10);
	return end != text && *end == '\0' && errno == 0;
}

/* A whole number, or a string of one. */
int64 *
json_args_int64_or_null(const JsonArgs *args, const char *key)
{
	JsonbValue *value = find_given_member(args, key);
	int64 *number;
	char *text = NULL;

	if (value == NULL)
		return NULL;
	if (value->type == jbvString)
		text = pnstrdup(value->val.string.val, value->val.string.len);
	else if (value->type == jbvNumeric)
		text = DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(value->val.numeric)));
	number = palloc(sizeof(int64));
	if (text == NULL || !parse_int64(text, number))
		report_malformed(args, key, "a whole number of the type bigint");
	return number;
}

static void
require_member(const JsonArgs *args, const char *key)
{
	if (find_given_member(args, key) == NULL)
		report_invalid("wfo_argument_null",
					   errmsg("member \"%s\" of element %d of argument \"%s\" must not be null or "
							  "missing",
							  key, args->index, args->argument),
					   hint_of(args));
}

int64
json_args_int64(const JsonArgs *args, const char *key)
{
	require_member(args, key);
	return *json_args_int64_or_null(args, key);
}

char *
json_args_text_or_null(const JsonArgs *args, const char *key)
{
	JsonbValue *value = find_given_member(args, key);

	if (value == NULL)
		return NULL;
	if (value->type != jbvString)
		report_malformed(args, key, "a string");
	arg_check_size(value->val.string.len, key);
	return pnstrdup(value->val.string.val, value->val.string.len);
}

char *
json_args_text(const JsonArgs *args, const char *key)
{
	char *value;

	require_member(args, key);
	value = json_args_text_or_null(args, key);
	if (text_is_blank(value))
		report_invalid("wfo_argument_empty",
					   errmsg("member \"%s\" of element %d of argument \"%s\" must not be empty",
							  key, args->index, args->argument));
	return value;
}

Jsonb *
json_args_object_or_null(const JsonArgs *args, const char *key)
{
	JsonbValue *value = find_given_member(args, key);

	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		report_malformed(args, key, "a JSON object");
	return JsonbValueToJsonb(value);
}
