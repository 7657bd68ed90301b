/*
 * double_loss.c
 *	  Numbers that differ by no more than a double would lose.
 *
 * Many clients read a JSON number as a double.  What they send back is another
 * number where it had more digits than a double has, such as an id beyond 2^53,
 * though nobody has changed it.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "model/double_loss.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

typedef struct Search
{
	StringInfoData found;
	int left; /* how many more are named */
} Search;

static double
as_double(Numeric number)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(number)));
}

/* Whether two numbers differ, but are the same double. */
static bool
is_loss(Numeric before, Numeric after)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(before),
											 NumericGetDatum(after))) != 0 &&
		   as_double(before) == as_double(after) && !isinf(as_double(before));
}

static void
add_member(Search *search, const char *path)
{
	if (search->left > 0)
		appendStringInfo(&search->found, "%s\"%s\"", search->found.len > 0 ? ", " : "", path);
	else if (search->left == 0)
		appendStringInfoString(&search->found, ", ...");
	search->left--;
}

static void compare_containers(Search *search, const char *path, JsonbContainer *before,
							   JsonbContainer *after);

static void
compare_values(Search *search, const char *path, const JsonbValue *before, const JsonbValue *after)
{
	if (before == NULL || before->type != after->type)
		return;
	if (before->type == jbvBinary)
		compare_containers(search, path, before->val.binary.data, after->val.binary.data);
	else if (before->type == jbvNumeric && is_loss(before->val.numeric, after->val.numeric))
		add_member(search, path);
}

/* Compare the members that two objects have in common, or the elements of two arrays. */
static void
compare_containers(Search *search, const char *path, JsonbContainer *before, JsonbContainer *after)
{
	JsonbIterator *it = JsonbIteratorInit(after);
	JsonbIteratorToken token;
	JsonbValue value;
	int index = 0;

	check_stack_depth();
	if (JsonContainerIsArray(before) != JsonContainerIsArray(after))
		return;
	while (search->left >= 0 && (token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
		{
			compare_values(search, psprintf("%s[%d]", path, index),
						   getIthJsonbValueFromContainer(before, index), &value);
			index++;
		}
		else if (token == WJB_KEY)
		{
			JsonbValue *old = getKeyJsonValueFromContainer(before, value.val.string.val,
														   value.val.string.len, NULL);
			char *name = psprintf("%s%s%.*s", path, path[0] != '\0' ? "." : "",
								  value.val.string.len, value.val.string.val);

			(void) JsonbIteratorNext(&it, &value, true);
			compare_values(search, name, old, &value);
		}
	}
}

/*
 * The members whose number changes by no more than a double would lose: their
 * paths in quotes, with commas between them, and dots for those past the limit;
 * NULL where there are none.
 */
char *
double_losses(Jsonb *before, Jsonb *after, int limit)
{
	Search search = {.left = limit};

	initStringInfo(&search.found);
	compare_containers(&search, "", &before->root, &after->root);
	return search.found.len > 0 ? search.found.data : NULL;
}
