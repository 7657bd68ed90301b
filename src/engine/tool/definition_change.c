/*
 * definition_change.c
 *	  What has changed since a definition of a tool was pinned.
 *
 * It owns the comparison of two definitions.  definition.c makes them, and
 * nothing here decides what a change means for a proposal.
 *
 * A revision keeps the hash of the definition that it was pinned to.  If the
 * current definition has the same hash, nothing has changed.  If not, the two
 * definitions are compared member by member, with SQL texts in their normal
 * form (definition_form.c).
 */
#include "postgres.h"

#include "base/cache.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/names.h"
#include "common/sha2.h"
#include "engine/identity/binding.h"
#include "engine/tool/definition.h"
#include "engine/tool/definition_form.h"
#include "nodes/value.h"
#include "store/tool_definition.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* The member that names the major version of the server that deparsed the SQL. */
#define SERVER "server"

/* The member that is no change: of the limits of then and now the smaller one counts. */
#define MAX_ROWS "max_rows"

/* Time after which a comparison that failed is tried again, in us. */
#define RETRY_AFTER INT64CONST(10000000)

static Cache *changes = NULL;

/* The differences between two definitions. */
typedef struct Difference
{
	StringInfoData names;
	bool may_be_form; /* of a member that has SQL, which can be written in several ways */
} Difference;

static void
add_change(Difference *difference, const char *kind, const char *name)
{
	appendStringInfo(&difference->names, "%s%s%s", difference->names.len > 0 ? ", " : "", kind,
					 name);
	difference->may_be_form |= kind[0] != '\0' || strcmp(name, "body") == 0 ||
							   strcmp(name, "arguments") == 0;
}

/* A member of an object as jsonb; null where there is none. */
static Jsonb *
member_or_null(Jsonb *object, const char *key)
{
	JsonbValue *value = object != NULL ? json_find(object, key) : NULL;

	return value != NULL ? JsonbValueToJsonb(value) : json_null();
}

/* Add the keys of an object to the list, each once. */
static List *
add_keys(List *keys, Jsonb *object)
{
	JsonbIterator *it;
	JsonbValue key;

	if (!JB_ROOT_IS_OBJECT(object))
		return keys;
	it = JsonbIteratorInit(&object->root);
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		keys = list_append_unique(keys,
								  makeString(pnstrdup(key.val.string.val, key.val.string.len)));
		(void) JsonbIteratorNext(&it, &key, true);
	}
	return keys;
}

/*
 * Add the names of the members that differ between two objects, each after the
 * word for its kind.
 */
static void
compare_members(Difference *difference, const char *kind, Jsonb *old, Jsonb *new)
{
	List *keys = add_keys(add_keys(NIL, new), old);
	ListCell *cell;

	foreach (cell, keys)
	{
		const char *key = strVal(lfirst(cell));
		Jsonb *before = member_or_null(old, key);
		Jsonb *now = member_or_null(new, key);

		if (json_equal(before, now) || strcmp(key, SERVER) == 0 || strcmp(key, MAX_ROWS) == 0)
			continue;
		if (kind[0] == '\0' && strcmp(key, "types") == 0)
			compare_members(difference, "type ", before, now);
		else if (kind[0] == '\0' && strcmp(key, "functions") == 0)
			compare_members(difference, "function ", before, now);
		else
			add_change(difference, kind, key);
	}
}

static Difference
find_difference(Jsonb *old, Jsonb *new)
{
	Difference difference = {.may_be_form = false};

	initStringInfo(&difference.names);
	compare_members(&difference, "", old, new);
	return difference;
}

/* Bring both definitions into normal form: returns NULL, or why that cannot be done. */
static const char *
normalize_both(const Tool *tool, const Definition *now, Jsonb **definitions)
{
	ErrorData *error;

	if (tool_role_name(tool) == NULL)
		return "the role of the tool must be confirmed first";
	error = definition_normalize(tool, now, definitions, 2);
	return error != NULL ? error->message : NULL;
}

/* The other major version of the server that deparsed a definition's SQL, or 0. */
static int
other_server(Jsonb *definition)
{
	JsonbValue *server = json_find(definition, SERVER);
	int major;

	if (server == NULL || server->type != jbvNumeric)
		return 0;
	major = DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(server->val.numeric)));
	return major != COMPAT_MAJOR ? major : 0;
}

/* What is kept of a comparison. */
typedef struct Change
{
	char *description; /* NULL: none */
	TimestampTz until; /* when to compare again; 0: not before something changes */
} Change;

static void
describe_change(Change *change, const Tool *tool, const Definition *now, const bytea *pinned)
{
	Jsonb *definitions[2];
	Difference difference;
	const char *problem = NULL;
	int server;

	if (now == NULL)
	{
		change->description = psprintf("function %s does not exist", tool->function);
		return;
	}
	definitions[0] = tool_definition_load(pinned);
	definitions[1] = now->json;
	if (definitions[0] == NULL)
	{
		change->description = pstrdup("the pinned definition does not exist in this database");
		return;
	}
	server = other_server(definitions[0]);
	difference = find_difference(definitions[0], definitions[1]);
	if (difference.may_be_form &&
		(json_find(definitions[0], SERVER) != NULL || json_find(definitions[1], SERVER) != NULL))
	{
		problem = normalize_both(tool, now, definitions);
		difference = find_difference(definitions[0], definitions[1]);
	}
	if (difference.may_be_form && problem != NULL)
		appendStringInfo(&difference.names, " (the meaning of the SQL could not be compared: %s)",
						 problem);
	if (difference.may_be_form && server != 0)
		appendStringInfo(&difference.names,
						 " (it was recorded by PostgreSQL %d, and PostgreSQL %d may write the same "
						 "definition differently)",
						 server, COMPAT_MAJOR);
	if (difference.names.len > 0)
		change->description = difference.names.data;
	if (problem != NULL)
		change->until = GetCurrentTimestamp() + RETRY_AFTER;
}

/*
 * Describe what has changed since a definition of the tool was pinned.  Returns
 * NULL if nothing has; the result is valid until the end of the transaction.
 *
 * Reports ask this about every open proposal.  The answer is the same for all
 * proposals that are pinned to one definition, so it is worked out once for
 * them.
 */
const char *
definition_change(const Tool *tool, const bytea *pinned)
{
	const Definition *now = definition_find(tool);
	StringInfoData key;
	Change *change;

	if (now != NULL && definition_is(now, pinned))
		return NULL;
	if (changes == NULL)
	{
		changes = cache_create("definition changes");
		cache_depend_on_catalogs(changes, NULL, 0);
	}
	initStringInfo(&key);
	appendBinaryStringInfo(&key, VARDATA_ANY(pinned), VARSIZE_ANY_EXHDR(pinned));
	if (now != NULL)
		appendBinaryStringInfo(&key, VARDATA(now->sha256), PG_SHA256_DIGEST_LENGTH);
	appendStringInfo(&key, "%u\n%s\n%s", tool->run_as_oid, tool->tool, tool->function);
	change = cache_get(changes, key.data, key.len);
	if (change == NULL || (change->until != 0 && change->until < GetCurrentTimestamp()))
	{
		MemoryContext memory = cache_begin_value();
		MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "definition change",
												   ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(work);
		Change made = {.description = NULL};

		describe_change(&made, tool, now, pinned);
		MemoryContextSwitchTo(memory);
		change = palloc(sizeof(Change));
		change->description = made.description != NULL ? pstrdup(made.description) : NULL;
		change->until = made.until;
		MemoryContextSwitchTo(old);
		MemoryContextDelete(work);
		cache_put(changes, key.data, key.len, change, memory);
	}
	return change->description;
}

/* Refuse with 55000 unless the definition is the one that was pinned. */
void
definition_check_pinned(const Tool *tool, const Definition *definition, const bytea *sha256,
						int64 proposal_id)
{
	const char *change;

	if (definition_is(definition, sha256))
		return;
	change = definition_change(tool, sha256);
	if (change == NULL)
		return;
	report_wrong_state("wfo_tool_changed",
					   errmsg("tool \"%s\" has changed since proposal " INT64_FORMAT
							  " was pinned to it",
							  tool->tool, proposal_id),
					   errdetail("What changed: %s.", change),
					   errhint("A reviewer can accept the changed tool with an edit, which may be "
							   "'{}'. An administrator can accept it for all open proposals with "
							   "accept_tool_definition. Otherwise, propose the call again."));
}

/* Whether the tool has the definition that register_tool or update_tool last set. */
bool
definition_is_confirmed(const Tool *tool)
{
	return tool->built_in ||
		   (tool->definition != NULL && definition_change(tool, tool->definition) == NULL);
}

/* Refuse a tool that has another definition while the policy is protected: 55000. */
void
definition_check_confirmed(const Tool *tool, const Policy *policy)
{
	if (!policy->protected || definition_is_confirmed(tool))
		return;
	report_wrong_state(
		"wfo_tool_unconfirmed",
		errmsg("the definition of tool \"%s\" is not confirmed", tool->tool),
		errdetail("It is not the one that register_tool or update_tool last set, and "
				  "the policy is protected."),
		errhint("Put the function back, or have its definition confirmed by a call "
				"of the built-in tool \"%s.update_tool\".",
				WFO_SCHEMA));
}
