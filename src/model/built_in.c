/*
 * built_in.c
 *	  Which tools are calls of the extension itself.
 *
 * A built-in tool has the name of a call, after the name of the extension's
 * schema and a dot.  No other tool has such a name, so the name alone tells.  Its
 * params are the arguments of the call, and members that are filled in when it is
 * proposed, which are nobody's wording.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/names.h"
#include "catalog/pg_type.h"
#include "model/built_in.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define PREFIX WFO_SCHEMA "."

const char *const built_in_members[] = {BUILT_IN_OLD,         BUILT_IN_SEARCH_PATH,
										BUILT_IN_DEFINITION,  BUILT_IN_RUN_AS_OID,
										BUILT_IN_DB_ROLE_OID, NULL};

/* Whether a tool of this name is built in. */
bool
built_in_is(const char *tool)
{
	return strncmp(tool, PREFIX, strlen(PREFIX)) == 0;
}

/* Whether it is the tool that gives standing approvals. */
bool
built_in_is_standing(const char *tool)
{
	return strcmp(tool, PREFIX "standing_approval") == 0;
}

/*
 * Whether it is a built-in tool that changes what a review means, and that people
 * propose and approve who may administer: all but the one for standing approvals.
 */
bool
built_in_is_administrative(const char *tool)
{
	return built_in_is(tool) && !built_in_is_standing(tool);
}

/* The call that a built-in tool makes. */
const char *
built_in_call(const char *tool)
{
	Assert(built_in_is(tool));
	return tool + strlen(PREFIX);
}

/* The arguments of the call, without what was filled in. */
Jsonb *
built_in_arguments(Jsonb *params)
{
	Datum names[lengthof(built_in_members) - 1];

	for (int i = 0; i < (int) lengthof(names); i++)
		names[i] = CStringGetTextDatum(built_in_members[i]);
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete_array, JsonbPGetDatum(params),
											  PointerGetDatum(construct_array(names,
																			  lengthof(names),
																			  TEXTOID, -1, false,
																			  TYPALIGN_INT))));
}

/* Whether somebody who wrote the one params has written the other ones, too. */
bool
built_in_same_wording(const char *tool, Jsonb *a, Jsonb *b)
{
	if (built_in_is(tool))
		return json_equal(built_in_arguments(a), built_in_arguments(b));
	return json_equal(a, b);
}

/* Whether a member of the params is filled in. */
bool
built_in_has_member(const char *name)
{
	for (const char *const *member = built_in_members; *member != NULL; member++)
		if (strcmp(*member, name) == 0)
			return true;
	return false;
}
