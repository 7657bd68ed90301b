/*
 * double_loss.c
 *	  Finds numbers that differ only by the precision that a double loses.
 *
 * Many clients read a JSON number as a double.  If it has more digits than a
 * double holds, such as an id beyond 2^53, they send back another number
 * although nobody has changed it.  Owns the comparison of two documents; the
 * caller decides what a difference means.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "model/double_loss.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* How many bytes of the path of a member are shown. */
#define PATH_MAX_SAID 200

typedef struct Search
{
	StringInfoData found;
	int left; /* how many more are named */
} Search;

/*
 * The position of a value: a member or an element of its parent.  It becomes
 * text only when it is shown, because the paths of all members can be far
 * longer than the document.
 */
typedef struct Place
{
	const struct Place *up; /* NULL: the document itself */
	int depth;              /* from 1 */
	const char *key;        /* NULL: an element */
	int length;
	int index;
} Place;

static double
as_double(Numeric number)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(number)));
}

/* Whether two numbers differ but convert to the same double. */
static bool
is_loss(Numeric before, Numeric after)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(before),
											 NumericGetDatum(after))) != 0 &&
		   as_double(before) == as_double(after) && !isinf(as_double(before));
}

static void
append_path(StringInfo path, const Place *place)
{
	const Place **places = palloc(place->depth * sizeof(Place *));
	int depth = place->depth;

	for (; place != NULL; place = place->up)
		places[place->depth - 1] = place;
	for (int i = 0; i < depth && path->len <= PATH_MAX_SAID; i++)
		if (places[i]->key == NULL)
			appendStringInfo(path, "[%d]", places[i]->index);
		else
		{
			appendStringInfoString(path, i > 0 ? "." : "");
			appendBinaryStringInfo(path, places[i]->key, places[i]->length);
		}
	pfree(places);
}

static void
add_member(Search *search, const Place *place)
{
	if (search->left > 0)
	{
		StringInfoData path;
		int length;

		initStringInfo(&path);
		append_path(&path, place);
		length = pg_mbcliplen(path.data, path.len, PATH_MAX_SAID);
		appendStringInfo(&search->found, "%s\"%.*s\"%s", search->found.len > 0 ? ", " : "", length,
						 path.data, length < path.len ? "..." : "");
		pfree(path.data);
	}
	else if (search->left == 0)
		appendStringInfoString(&search->found, ", ...");
	search->left--;
}

static void compare_containers(Search *search, const Place *up, JsonbContainer *before,
							   JsonbContainer *after);

static void
compare_values(Search *search, const Place *place, const JsonbValue *before,
			   const JsonbValue *after)
{
	if (before == NULL || before->type != after->type)
		return;
	if (before->type == jbvBinary)
		compare_containers(search, place, before->val.binary.data, after->val.binary.data);
	else if (before->type == jbvNumeric && is_loss(before->val.numeric, after->val.numeric))
		add_member(search, place);
}

/* Compare the members that two objects have in common, or the elements of two arrays. */
static void
compare_containers(Search *search, const Place *up, JsonbContainer *before, JsonbContainer *after)
{
	JsonbIterator *it = JsonbIteratorInit(after);
	JsonbIteratorToken token;
	JsonbValue value;
	Place place = {.up = up, .depth = up != NULL ? up->depth + 1 : 1};

	check_stack_depth();
	if (JsonContainerIsArray(before) != JsonContainerIsArray(after))
		return;
	while (search->left >= 0 && (token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		JsonbValue *old;

		if (token == WJB_ELEM)
			old = getIthJsonbValueFromContainer(before, place.index);
		else if (token == WJB_KEY)
		{
			place.key = value.val.string.val;
			place.length = value.val.string.len;
			old = getKeyJsonValueFromContainer(before, place.key, place.length, NULL);
			(void) JsonbIteratorNext(&it, &value, true);
		}
		else
			continue;
		compare_values(search, &place, old, &value);
		if (old != NULL)
			pfree(old);
		place.index++;
	}
}

/*
 * Return the paths of the members whose number changes only by the precision
 * that a double loses: in quotes, separated by commas, with dots for those
 * beyond the limit and for the rest of a long path.  Returns NULL if there are
 * none.
 */
char *
double_losses(Jsonb *before, Jsonb *after, int limit)
{
	Search search = {.left = limit};

	initStringInfo(&search.found);
	compare_containers(&search, NULL, &before->root, &after->root);
	return search.found.len > 0 ? search.found.data : NULL;
}
