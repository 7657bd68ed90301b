/*
 * definition.c
 *	  What a tool is at this moment, by the catalogs.
 *
 * It owns the definition of a tool and its hash.  Reviewers judge a call of a
 * function with a certain body, owner and surroundings, so all of these are
 * written down, by names and not by OIDs, and hashed.  A revision keeps the
 * hash; a review or an execution with another hash is refused.  Functions that
 * the tool calls in turn are not part of it.
 *
 * Reading the catalogs takes longer than everything else in a call, so each
 * backend keeps what it has read until an invalidation message says that
 * something may have changed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/cache.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/hash.h"
#include "base/interval.h"
#include "base/json.h"
#include "base/json_canonical.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/sha2.h"
#include "engine/identity/binding.h"
#include "engine/tool/definition.h"
#include "engine/tool/describe.h"
#include "engine/tool/run_sql.h"
#include "engine/tool/tool_function.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

/*
 * What built-in tools do.  Raise this when a call of one means something else than
 * before, so that proposals of it are looked at again.
 */
#define BUILT_IN_VERSION 1

static Cache *definitions = NULL;

/* Fill in the arguments, and add them to the JSON form. */
static void
read_function_arguments(Definition *definition, HeapTuple tuple, JsonObject *json,
						Described *described)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	JsonArray arguments;
	Oid *types;
	char **names;
	char *modes;
	int nall = get_func_arg_info(tuple, &types, &names, &modes);
	int n = 0;

	definition->nargs = proc->pronargs;
	definition->arg_names = palloc0(sizeof(char *) * Max(nall, 1));
	definition->arg_types = palloc0(sizeof(Oid) * Max(nall, 1));
	definition->arg_facts = palloc0(sizeof(TypeFacts) * Max(nall, 1));
	definition->has_default = palloc0(sizeof(bool) * Max(nall, 1));
	definition->builtin_types = true;
	definition->fixed_types = true;

	json_array_begin(&arguments);
	for (int i = 0; i < nall; i++)
	{
		JsonObject argument;
		bool is_input = modes == NULL || modes[i] == PROARGMODE_IN ||
						modes[i] == PROARGMODE_INOUT || modes[i] == PROARGMODE_VARIADIC;
		char *name = names != NULL ? names[i] : "";

		json_object_begin(&argument);
		json_add_text(&argument, "name", name);
		json_add_text(&argument, "type", format_type_be_qualified(types[i]));
		if (modes != NULL && modes[i] != PROARGMODE_IN)
			json_add_text(&argument, "mode", (char[]){modes[i], '\0'});
		if (is_input)
		{
			definition->arg_names[n] = name;
			definition->arg_types[n] = types[i];
			definition->has_default[n] = n >= proc->pronargs - proc->pronargdefaults;
			type_facts(types[i], &definition->arg_facts[n]);
			definition->builtin_types &= definition->arg_facts[n].builtin;
			definition->fixed_types &= definition->arg_facts[n].fixed;
			if (definition->has_default[n])
				json_add_text(&argument, "default",
							  describe_default(definition->function, i + 1, described));
			n++;
		}
		json_array_add(&arguments, json_object_end(&argument));
	}
	json_add_jsonb(json, "arguments", json_array_end(&arguments));
	describe_types(json, definition->arg_types, n, described);
	definition->used_types = described->types;
	definition->used_functions = described->functions;

	definition->variadic = OidIsValid(proc->provariadic);
	definition->whole_object = n == 1 && definition->arg_types[0] == JSONBOID &&
							   strcmp(definition->arg_names[0], "params") == 0;
}

static bool
is_string(const JsonbValue *value, const char *text)
{
	return value->type == jbvString && value->val.string.len == (int) strlen(text) &&
		   memcmp(value->val.string.val, text, value->val.string.len) == 0;
}

/*
 * The hash of a definition under a former name of a role.  Roles occur as
 * run_as, and as owners of the tool's function and of those that its types use.
 */
static bytea *
hash_under_name(Jsonb *definition, const char *today, char *former)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it = JsonbIteratorInit(&definition->root);
	JsonbValue value;
	JsonbValue *result = NULL;
	JsonbIteratorToken token;
	bool is_role = false;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			is_role = is_string(&value, "run_as") || is_string(&value, "owner");
		else if (token == WJB_VALUE && is_role && is_string(&value, today))
		{
			value.val.string.val = former;
			value.val.string.len = strlen(former);
		}
		result = pushJsonbValue(&state, token, token < WJB_BEGIN_ARRAY ? &value : NULL);
	}
	return sha256_of_text(json_canonical_text(JsonbValueToJsonb(result)));
}

/* Add the hashes under former names of the tool's role, which is still the same role. */
static void
add_former(Definition *definition, const Tool *tool)
{
	const char *today = tool_role_name(tool);
	ListCell *cell;

	foreach (cell, tool_former_role_names(tool))
		definition->former = lappend(definition->former,
									 hash_under_name(definition->json, today, lfirst(cell)));
}

/*
 * Read a tool's function from the catalogs.  The caller has pinned the settings
 * that the deparsing functions depend on.
 */
static void
read_definition(Definition *definition, const Tool *tool)
{
	HeapTuple tuple = tool_function_fetch(definition->function);
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	JsonObject json;
	Described described = {.types = NIL};
	const char *run_as = tool->built_in ? NULL : tool_role_name(tool);

	definition->version_xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
	definition->version_tid = tuple->t_self;
	definition->owner = proc->proowner;
	definition->security_definer = proc->prosecdef;
	definition->strict = proc->proisstrict;
	definition->returns_set = proc->proretset;
	definition->runs_sql = run_sql_is(definition->function);
	definition->result_type = proc->prorettype;

	json_object_begin(&json);
	json_add_text(&json, "tool", tool->tool);
	json_add_text(&json, "function", tool->function);
	if (tool->built_in)
		json_add_int(&json, "version", BUILT_IN_VERSION);
	else
	{
		json_add_text(&json, "run_as", run_as != NULL ? run_as : tool->run_as);
		json_add_text(&json, "search_path", tool->search_path);
		if (tool->timeout != NULL)
			json_add_int(&json, "timeout_ms", interval_milliseconds(tool->timeout));
		if (tool->max_rows != NULL)
			json_add_int(&json, "max_rows", *tool->max_rows);
		describe_function(&json, tuple, &described);
	}
	read_function_arguments(definition, tuple, &json, &described);
	if (described.has_sql)
		json_add_int(&json, "server", COMPAT_MAJOR);
	ReleaseSysCache(tuple);

	definition->json = json_object_end(&json);
	definition->sha256 = sha256_of_text(json_canonical_text(definition->json));
	if (run_as != NULL)
		add_former(definition, tool);
}

/* Find a tool's function by its signature: InvalidOid if it does not exist. */
static Oid
resolve_function(const Tool *tool)
{
	MemoryContext context = CurrentMemoryContext;
	volatile Oid function = InvalidOid;

	PG_TRY();
	{
		LOCAL_FCINFO(fcinfo, 1);
		Datum value;

		InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
		fcinfo->args[0].value = CStringGetTextDatum(tool->function);
		fcinfo->args[0].isnull = false;
		value = to_regprocedure(fcinfo);
		if (!fcinfo->isnull)
			function = DatumGetObjectId(value);
	}
	PG_CATCH();
	{
		/* A type or schema in the signature does not exist; other errors are raised. */
		MemoryContextSwitchTo(context);
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
			geterrcode() != ERRCODE_UNDEFINED_SCHEMA)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return function;
}

static void *
copy_bytes(const void *bytes, Size size)
{
	return memcpy(palloc(size), bytes, size);
}

/* A copy without the memory that was used for reading. */
static Definition *
copy_definition(const Definition *definition)
{
	Definition *copy = copy_bytes(definition, sizeof(Definition));
	ListCell *cell;

	if (!OidIsValid(definition->function))
		return copy;
	copy->arg_names = palloc(sizeof(char *) * definition->nargs);
	for (int i = 0; i < definition->nargs; i++)
		copy->arg_names[i] = pstrdup(definition->arg_names[i]);
	copy->arg_types = copy_bytes(definition->arg_types, sizeof(Oid) * definition->nargs);
	copy->arg_facts = copy_bytes(definition->arg_facts, sizeof(TypeFacts) * definition->nargs);
	copy->has_default = copy_bytes(definition->has_default, sizeof(bool) * definition->nargs);
	copy->used_types = list_copy(definition->used_types);
	copy->used_functions = list_copy(definition->used_functions);
	copy->json = json_copy(definition->json);
	copy->sha256 = copy_bytes(definition->sha256, VARSIZE(definition->sha256));
	copy->former = NIL;
	foreach (cell, definition->former)
		copy->former = lappend(copy->former, copy_bytes(lfirst(cell), VARSIZE(lfirst(cell))));
	return copy;
}

static void
release(ResourceOwner owner)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
	ResourceOwnerDelete(owner);
}

/*
 * Read the definition into memory.  It has no function if that does not exist.
 *
 * The server locks the tables that SQL names while it deparses the SQL.  A
 * caller that only proposes or reads a report must not keep these locks, so
 * they have a resource owner of their own, which is released here.
 */
static Definition *
read_now(const Tool *tool, MemoryContext memory)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "workflow_orch definition",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	ResourceOwner outer_owner = CurrentResourceOwner;
	ResourceOwner owner = ResourceOwnerCreate(outer_owner, "workflow_orch definition");
	Definition *definition = palloc0(sizeof(Definition));
	int nest_level = NewGUCNestLevel();
	Oid save_user;
	int save_context;

	CurrentResourceOwner = owner;
	/* The caller need not have USAGE on the function's schema. */
	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, save_context | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", DEFINITION_SEARCH_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	definition->function = resolve_function(tool);
	if (OidIsValid(definition->function))
		read_definition(definition, tool);
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(save_user, save_context);
	CurrentResourceOwner = outer_owner;
	release(owner);

	MemoryContextSwitchTo(memory);
	definition = copy_definition(definition);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return definition;
}

/*
 * The current definition of the tool, valid until the end of the transaction,
 * or NULL if its function does not exist.
 */
const Definition *
definition_find(const Tool *tool)
{
	StringInfoData key;
	Definition *definition;

	Assert(IsTransactionState());
	if (definitions == NULL)
	{
		static const int caches[] = {PROCOID, TYPEOID, NAMESPACEOID,    AUTHOID,
									 LANGOID, OPEROID, CONSTROID,       ENUMOID,
									 COLLOID, CLAOID,  CASTSOURCETARGET};

		definitions = cache_create("definitions");
		cache_depend_on_catalogs(definitions, caches, lengthof(caches));
	}

	initStringInfo(&key);
	appendStringInfo(&key, "%s\n%s\n%s\n%s\n", tool->tool, tool->function,
					 tool->run_as != NULL ? tool->run_as : "", tool->search_path);
	if (tool->timeout != NULL)
		appendStringInfo(&key, INT64_FORMAT, interval_milliseconds(tool->timeout));
	if (tool->max_rows != NULL)
		appendStringInfo(&key, "\n" INT64_FORMAT, *tool->max_rows);
	definition = cache_get(definitions, key.data, key.len);
	if (definition == NULL)
	{
		MemoryContext memory = cache_begin_value();

		definition = read_now(tool, memory);
		cache_put(definitions, key.data, key.len, definition, memory);
	}
	return OidIsValid(definition->function) ? definition : NULL;
}

/* The same, for a call that needs it: 55000 if the function does not exist. */
const Definition *
definition_load(const Tool *tool)
{
	const Definition *definition = definition_find(tool);

	if (definition == NULL)
		report_wrong_state("wfo_tool_gone",
						   errmsg("function %s of tool \"%s\" does not exist", tool->function,
								  tool->tool),
						   errhint("Create the function again, or give the tool another one with "
								   "update_tool."));
	return definition;
}

/*
 * Whether two definitions were read from the same row of pg_proc, by the test
 * that PL/pgSQL applies to its functions.  A function that was replaced and put
 * back has another row.
 */
bool
definition_is_version(const Definition *a, const Definition *b)
{
	return a->function == b->function && a->version_xmin == b->version_xmin &&
		   ItemPointerCompare((ItemPointer) &a->version_tid, (ItemPointer) &b->version_tid) == 0;
}

static bool
is_hash(const bytea *sha256, const bytea *other)
{
	return VARSIZE_ANY_EXHDR(sha256) == PG_SHA256_DIGEST_LENGTH &&
		   memcmp(VARDATA_ANY(sha256), VARDATA(other), PG_SHA256_DIGEST_LENGTH) == 0;
}

/* Whether the pinned hash is that of the definition, under any name that its role has had. */
bool
definition_is(const Definition *definition, const bytea *sha256)
{
	ListCell *cell;

	if (is_hash(sha256, definition->sha256))
		return true;
	foreach (cell, definition->former)
		if (is_hash(sha256, lfirst(cell)))
			return true;
	return false;
}
