/*
 * definition_change.c
 *	  What has changed since a definition of a tool was pinned.
 *
 * A revision keeps the hash of the definition that it was pinned to.  Where the
 * hash is the present one's, nothing has changed.  Where it is another, the two
 * definitions are compared member by member.
 */
#include "postgres.h"

#include "base/cache.h"
#include "base/errors.h"
#include "base/json.h"
#include "common/sha2.h"
#include "engine/definition.h"
#include "nodes/value.h"
#include "store/tool_definition.h"

static Cache *changes = NULL;

static void
add_change(StringInfo list, const char *kind, const char *name)
{
	appendStringInfo(list, "%s%s%s", list->len > 0 ? ", " : "", kind, name);
}

/* A member of an object as jsonb; null where there is none. */
static Jsonb *
member(Jsonb *object, const char *key)
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
 * Add the names of the members that two objects do not have alike, each with
 * the word for its kind before it.
 */
static void
compare_members(StringInfo list, const char *kind, Jsonb *old, Jsonb *new)
{
	List *keys = add_keys(add_keys(NIL, new), old);
	ListCell *cell;

	foreach (cell, keys)
	{
		const char *key = strVal(lfirst(cell));
		Jsonb *before = member(old, key);
		Jsonb *now = member(new, key);

		if (json_equal(before, now))
			continue;
		if (kind[0] == '\0' && strcmp(key, "types") == 0)
			compare_members(list, "type ", before, now);
		else if (kind[0] == '\0' && strcmp(key, "functions") == 0)
			compare_members(list, "function ", before, now);
		else
			add_change(list, kind, key);
	}
}

/* What has changed in words, or NULL where nothing has. */
static char *
describe_change(const Tool *tool, const Definition *now, const bytea *pinned)
{
	Jsonb *before = tool_definition_load(pinned);
	StringInfoData list;

	if (now == NULL)
		return psprintf("function %s does not exist", tool->function);
	if (before == NULL)
		return pstrdup("the pinned definition is not known here");
	initStringInfo(&list);
	compare_members(&list, "", before, now->json);
	return list.len > 0 ? list.data : NULL;
}

/* What is kept of a comparison. */
typedef struct Change
{
	char *description; /* NULL: none */
} Change;

/*
 * What has changed since a definition of the tool was pinned, in words, or NULL
 * where nothing has; good to the end of the transaction.
 *
 * Reports ask this of every open proposal.  The answer is the same for all that
 * are pinned to one definition, so it is worked out once for them.
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
	appendStringInfo(&key, "%s\n%s", tool->tool, tool->function);
	change = cache_get(changes, key.data, key.len);
	if (change == NULL)
	{
		MemoryContext memory = cache_begin_value();
		MemoryContext old = MemoryContextSwitchTo(memory);

		change = palloc(sizeof(Change));
		change->description = describe_change(tool, now, pinned);
		MemoryContextSwitchTo(old);
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
	report_wrong_state(
		"wfo_tool_changed",
		errmsg("tool \"%s\" has changed since proposal " INT64_FORMAT " was pinned to it",
			   tool->tool, proposal_id),
		errdetail("What changed: %s.", change),
		errhint("A reviewer can accept the tool as it is now with an edit, be it '{}', and an "
				"administrator for all open proposals with accept_tool_definition; or propose "
				"anew."));
}
