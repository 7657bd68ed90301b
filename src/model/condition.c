/*
 * condition.c
 *	  Whether the condition of an approval rule holds for a proposal.
 *
 * It owns the evaluation of a condition.  Which conditions a rule may have, and
 * what an unknown result means for the approvals, is the business of its callers.
 *
 * A condition is a jsonpath in strict mode, evaluated by the server's own code,
 * which runs no function of a user.  It is false only where that is certain.  A
 * missing member, a string compared with a number and a result that is not a
 * truth value make it unknown.
 *
 * A predicate ($.params.amount > 1000) is true, false or unknown by itself.  A
 * path that ends in a filter ($.params ? (@.amount > 1000)) is true where it
 * selects something.  A filter drops what its predicate cannot judge, so such a
 * path is also kept with its predicate extended by "or is unknown": if even that
 * selects nothing, the predicate was false of everything, and if only that
 * selects something, the condition is unknown.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "model/condition.h"
#include "model/condition_member.h"
#include "utils/fmgrprotos.h"

static char *
path_text(const JsonPath *path)
{
	return DatumGetCString(DirectFunctionCall1(jsonpath_out, PointerGetDatum(path)));
}

/* The character after the quoted string that begins at start. */
static const char *
after_string(const char *start)
{
	for (start++; *start != '"' && *start != '\0'; start++)
		if (*start == '\\' && start[1] != '\0')
			start++;
	return *start == '"' ? start + 1 : start;
}

/* Whether a path refers to a variable; conditions have none. */
bool
condition_has_variables(const JsonPath *path)
{
	const char *at = path_text(path);

	while (*at != '\0')
	{
		if (at[0] == '$' && at[1] == '"')
			return true;
		at = *at == '"' ? after_string(at) : at + 1;
	}
	return false;
}

/* Return a copy of the path in strict mode. */
JsonPath *
condition_strict(const JsonPath *path)
{
	JsonPath *copy = palloc(VARSIZE(path));

	memcpy(copy, path, VARSIZE(path));
	copy->header &= ~JSONPATH_LAX;
	return copy;
}

static bool
ends_in_filter(JsonPath *path)
{
	JsonPathItem item;
	JsonPathItem next;

	jspInit(&item, path);
	while (jspGetNext(&item, &next))
		item = next;
	return item.type == jpiFilter;
}

/* Return where the predicate of the last filter of a path begins, in the path's text. */
static const char *
last_predicate(const char *text)
{
	const char *begin = NULL;
	int depth = 0;

	for (const char *at = text; *at != '\0';)
	{
		if (*at == '"')
		{
			at = after_string(at);
			continue;
		}
		if (at[0] == '?' && at[1] == '(' && depth == 0)
			begin = at + 2;
		depth += (*at == '(') - (*at == ')');
		at++;
	}
	return begin;
}

/*
 * Whether a path has a filter other than at its end.  Such a filter drops the
 * items that its predicate cannot judge.
 */
bool
condition_has_inner_filter(JsonPath *path)
{
	const char *at = path_text(path);
	int filters = 0;

	while (*at != '\0')
	{
		filters += at[0] == '?' && at[1] == '(';
		at = *at == '"' ? after_string(at) : at + 1;
	}
	return filters > (ends_in_filter(path) ? 1 : 0);
}

/* Prepare a condition.  The path is kept, or is NULL for a condition that always holds. */
Condition
condition_prepare(JsonPath *path)
{
	Condition condition = {.path = path};
	const char *text;
	const char *predicate;
	int length;
	StringInfoData extended;
	ConditionMembers members;

	if (path == NULL)
		return condition;
	condition_find_members(path, &members);
	condition.at_large = members.any_first;
	if (!ends_in_filter(path))
		return condition;
	text = path_text(path);
	predicate = last_predicate(text);
	if (predicate == NULL)
		elog(ERROR, "could not find the filter in jsonpath %s", text);
	length = strlen(predicate) - 1;
	initStringInfo(&extended);
	appendStringInfo(&extended, "%.*s(%.*s) || ((%.*s) is unknown))", (int) (predicate - text),
					 text, length, predicate, length, predicate);
	condition.wide = DatumGetJsonPathP(DirectFunctionCall1(jsonpath_in,
														   CStringGetDatum(extended.data)));
	return condition;
}

/* The variables of a condition: an object without members. */
static Datum
no_variables(void)
{
	static Jsonb none = {.root = {.header = JB_FOBJECT}};

	SET_VARSIZE(&none, sizeof(none));
	return JsonbPGetDatum(&none);
}

/*
 * Whether an error of jsonpath is about the values. jsonpath suppresses most of
 * them, but not the error that comparing some dates requires a time zone.
 */
static bool
is_unknown(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED ||
		   ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_DATA_EXCEPTION;
}

/* Call a function of the server and return its result, or unknown if it returns NULL. */
static Truth
call(PGFunction function, FunctionCallInfo fcinfo)
{
	MemoryContext context = CurrentMemoryContext;
	volatile Truth truth = TRUTH_UNKNOWN;

	PG_TRY();
	{
		Datum result = function(fcinfo);

		if (!fcinfo->isnull)
			truth = DatumGetBool(result) ? TRUTH_TRUE : TRUTH_FALSE;
	}
	PG_CATCH();
	{
		if (!is_unknown(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		truth = TRUTH_UNKNOWN;
	}
	PG_END_TRY();
	return truth;
}

/* Evaluate a path by one of the server's functions. */
static Truth
evaluate_path(PGFunction function, JsonPath *path, Jsonb *document)
{
	LOCAL_FCINFO(fcinfo, 4);

	InitFunctionCallInfoData(*fcinfo, NULL, 4, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(document);
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = PointerGetDatum(path);
	fcinfo->args[1].isnull = false;
	fcinfo->args[2].value = no_variables();
	fcinfo->args[2].isnull = false;
	fcinfo->args[3].value = BoolGetDatum(true); /* errors are no result */
	fcinfo->args[3].isnull = false;
	return call(function, fcinfo);
}

/* Whether the condition is true of a document, false, or neither. */
Truth
condition_evaluate(const Condition *condition, Jsonb *document)
{
	Truth truth;

	if (condition->path == NULL)
		return TRUTH_TRUE;
	if (condition->wide == NULL)
		return evaluate_path(jsonb_path_match, condition->path, document);
	truth = evaluate_path(jsonb_path_exists, condition->wide, document);
	if (truth != TRUTH_TRUE)
		return truth;
	return evaluate_path(jsonb_path_exists, condition->path, document) == TRUTH_TRUE
			   ? TRUTH_TRUE
			   : TRUTH_UNKNOWN;
}
