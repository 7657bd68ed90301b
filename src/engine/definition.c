/*
 * definition.c
 *	  What a tool is at this moment, by the catalogs.
 *
 * What is reviewed is a call of a function with a certain body, owner and
 * surroundings, so all that is written down, by names and not by OIDs, and
 * hashed.  A revision keeps the hash; a review or an execution whose hash is
 * another is refused.  Functions that the tool calls in turn are not part of
 * it.
 *
 * Reading the catalogs takes longer than everything else a call does, so each
 * backend keeps what it read until an invalidation message says that something
 * it rests on may have changed.
 */
#include "postgres.h"

#include "base/cache.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/names.h"
#include "catalog/dependency.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "engine/deadline.h"
#include "engine/definition.h"
#include "engine/run_sql.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/tool_definition.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static Cache *definitions = NULL;
static Cache *differences = NULL;

bytea *
sha256_of_text(const char *text)
{
	bytea *result = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	SET_VARSIZE(result, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, (const uint8 *) text, strlen(text)) < 0 ||
		pg_cryptohash_final(ctx, (uint8 *) VARDATA(result), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute a SHA-256: %s", pg_cryptohash_error(ctx));
	pg_cryptohash_free(ctx);
	return result;
}

/* Whether values of a type can be read and written without a user's code. */
static bool
is_builtin_type(Oid type)
{
	return type < FirstNormalObjectId;
}

static HeapTuple
proc_fetch(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		report_unknown("wfo_unknown_function",
					   errmsg("function with OID %u does not exist", function));
	return tuple;
}

/*
 * Check that a function can be a tool.
 *
 * 22023 where the reason lies in what it is; 42501 for the extension's own
 * functions but run_sql, which would go round the review.
 */
void
definition_check_function(Oid function)
{
	HeapTuple tuple = proc_fetch(function);
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	char *signature = format_procedure(function);
	Oid *types;
	char **names;
	char *modes;
	int nargs = get_func_arg_info(tuple, &types, &names, &modes);
	Oid result_type;
	TupleDesc result_desc;
	TypeFuncClass result_class;

	if (getExtensionOfObject(ProcedureRelationId, function) == get_extension_oid(WFO_NAME, false) &&
		!run_sql_is(function))
		report_denied("wfo_not_a_tool",
					  errmsg("function %s belongs to the extension and cannot be a tool",
							 signature),
					  errhint("Register a function of the application, or run_sql."));
	if (proc->prokind != PROKIND_FUNCTION)
		report_invalid("wfo_not_a_tool", errmsg("%s is not a plain function", signature),
					   errdetail("Procedures, aggregates and window functions cannot be tools."),
					   errhint("Write a function that does the work, and register that."));

	for (int i = 0; i < nargs; i++)
	{
		if (modes != NULL && modes[i] != PROARGMODE_IN && modes[i] != PROARGMODE_INOUT &&
			modes[i] != PROARGMODE_VARIADIC)
			continue;
		if (names == NULL || names[i][0] == '\0')
			report_invalid("wfo_not_a_tool",
						   errmsg("argument %d of function %s has no name", i + 1, signature),
						   errdetail("The keys of params are the names of the arguments."),
						   errhint("Name every argument of the function."));
		if (get_typtype(types[i]) == TYPTYPE_PSEUDO)
			report_invalid("wfo_not_a_tool",
						   errmsg("argument \"%s\" of function %s has the pseudo-type %s", names[i],
								  signature, format_type_be(types[i])),
						   errhint("Register a function whose arguments have definite types."));
	}

	result_class = get_func_result_type(function, &result_type, &result_desc);
	if (result_type != VOIDOID && result_class != TYPEFUNC_SCALAR &&
		result_class != TYPEFUNC_COMPOSITE && result_class != TYPEFUNC_COMPOSITE_DOMAIN)
		report_invalid("wfo_not_a_tool",
					   errmsg("function %s returns the pseudo-type %s", signature,
							  format_type_be(proc->prorettype)),
					   errhint("Register a function whose result has a definite type."));
	ReleaseSysCache(tuple);
}

/* The text of one part of a function that ruleutils.c deparses, or NULL. */
static char *
deparse(PGFunction function, Oid oid, int argument)
{
	LOCAL_FCINFO(fcinfo, 2);
	FmgrInfo flinfo;
	Datum value;

	memset(&flinfo, 0, sizeof(flinfo));
	flinfo.fn_mcxt = CurrentMemoryContext;
	InitFunctionCallInfoData(*fcinfo, &flinfo, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(oid);
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = Int32GetDatum(argument);
	fcinfo->args[1].isnull = false;
	value = function(fcinfo);
	return fcinfo->isnull ? NULL : TextDatumGetCString(value);
}

static char *
proc_text(HeapTuple tuple, AttrNumber attribute)
{
	bool isnull;
	Datum value = SysCacheGetAttr(PROCOID, tuple, attribute, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/*
 * The attributes of a composite type, or of the one that a domain or an array
 * is made of, with theirs in turn; NULL for another type.
 */
static Jsonb *
describe_attributes(Oid type)
{
	Oid element;
	TupleDesc desc;
	JsonArray attributes;

	check_stack_depth();
	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		return describe_attributes(element);
	if (get_typtype(type) != TYPTYPE_COMPOSITE)
		return NULL;

	desc = lookup_rowtype_tupdesc_copy(type, -1);
	json_array_begin(&attributes);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		JsonObject object;

		if (attribute->attisdropped)
			continue;
		json_object_begin(&object);
		json_add_text(&object, "name", NameStr(attribute->attname));
		json_add_text(&object, "type", format_type_be_qualified(attribute->atttypid));
		json_add_jsonb(&object, "attributes", describe_attributes(attribute->atttypid));
		json_array_add(&attributes, json_object_end(&object));
	}
	return json_array_end(&attributes);
}

/* Fill in the arguments, and add them to the JSON form. */
static void
read_arguments(Definition *definition, HeapTuple tuple, JsonObject *json)
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
		if (is_input && !is_builtin_type(types[i]))
			json_add_jsonb(&argument, "attributes", describe_attributes(types[i]));
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
							  deparse(pg_get_function_arg_default, definition->function, i + 1));
			n++;
		}
		json_array_add(&arguments, json_object_end(&argument));
	}
	json_add_jsonb(json, "arguments", json_array_end(&arguments));

	definition->variadic = OidIsValid(proc->provariadic);
	definition->whole_object = n == 1 && definition->arg_types[0] == JSONBOID &&
							   strcmp(definition->arg_names[0], "params") == 0;
}

/*
 * Read a tool's function off the catalogs.  The caller has pinned what the
 * deparsing functions depend on.
 */
static void
read_definition(Definition *definition, const Tool *tool)
{
	HeapTuple tuple = proc_fetch(definition->function);
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	JsonObject json;
	Datum settings;
	bool isnull;
	char *body;

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
	json_add_text(&json, "run_as", tool->run_as);
	json_add_text(&json, "search_path", tool->search_path);
	if (tool->timeout != NULL)
		json_add_int(&json, "timeout_ms", interval_milliseconds(tool->timeout));
	body = deparse(pg_get_function_sqlbody, definition->function, 0);
	json_add_text(&json, "body", body != NULL ? body : proc_text(tuple, Anum_pg_proc_prosrc));
	json_add_text(&json, "library", proc_text(tuple, Anum_pg_proc_probin));
	json_add_text(&json, "language", get_language_name(proc->prolang, false));
	json_add_text(&json, "owner", GetUserNameFromId(proc->proowner, false));
	json_add_bool(&json, "security_definer", proc->prosecdef);
	json_add_text(&json, "volatility", (char[]){proc->provolatile, '\0'});
	json_add_bool(&json, "strict", proc->proisstrict);
	json_add_text(&json, "result", format_type_be_qualified(proc->prorettype));
	json_add_bool(&json, "returns_set", proc->proretset);
	settings = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	json_add_jsonb(&json, "settings", json_from_datum(settings, isnull, TEXTARRAYOID));
	read_arguments(definition, tuple, &json);
	ReleaseSysCache(tuple);

	definition->json = json_object_end(&json);
	definition->sha256 = sha256_of_text(json_text(definition->json));
}

/* Find a tool's function by its signature: InvalidOid where it is gone. */
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
		/* A type or schema in the signature is gone; another error is raised at once. */
		MemoryContextSwitchTo(context);
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
			geterrcode() != ERRCODE_UNDEFINED_SCHEMA)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return function;
}

/* Read the definition into memory; one without a function where that is gone. */
static Definition *
read_now(const Tool *tool, MemoryContext memory)
{
	MemoryContext old = MemoryContextSwitchTo(memory);
	Definition *definition = palloc0(sizeof(Definition));
	int nest_level = NewGUCNestLevel();
	Oid save_user;
	int save_context;

	/* Whoever calls need not have USAGE on the function's schema. */
	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, save_context | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	definition->function = resolve_function(tool);
	if (OidIsValid(definition->function))
		read_definition(definition, tool);
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(save_user, save_context);
	MemoryContextSwitchTo(old);
	return definition;
}

/*
 * The tool's definition at this moment, good to the end of the transaction;
 * NULL where its function does not exist.
 */
const Definition *
definition_find(const Tool *tool)
{
	StringInfoData key;
	Definition *definition;

	if (definitions == NULL)
	{
		static const int caches[] = {PROCOID, TYPEOID, NAMESPACEOID, AUTHOID, LANGOID, OPEROID};

		definitions = cache_create("definitions");
		cache_depend_on_catalogs(definitions, caches, lengthof(caches));
	}

	initStringInfo(&key);
	appendStringInfo(&key, "%s\n%s\n%s\n%s\n", tool->tool, tool->function, tool->run_as,
					 tool->search_path);
	if (tool->timeout != NULL)
		appendStringInfo(&key, INT64_FORMAT, interval_milliseconds(tool->timeout));
	definition = cache_get(definitions, key.data, key.len);
	if (definition == NULL)
	{
		MemoryContext memory = cache_begin_value();

		definition = read_now(tool, memory);
		cache_put(definitions, key.data, key.len, definition, memory);
	}
	return OidIsValid(definition->function) ? definition : NULL;
}

/* The same, for a call that needs it: 55000 where the function is gone. */
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
 * Whether two readings are of the very same row of pg_proc, by the test that
 * PL/pgSQL makes of its functions too: one that was replaced and put back is
 * another row.
 */
bool
definition_is_version(const Definition *a, const Definition *b)
{
	return a->function == b->function && a->version_xmin == b->version_xmin &&
		   ItemPointerCompare((ItemPointer) &a->version_tid, (ItemPointer) &b->version_tid) == 0;
}

bool
definition_is(const Definition *definition, const bytea *sha256)
{
	return VARSIZE_ANY_EXHDR(sha256) == PG_SHA256_DIGEST_LENGTH &&
		   memcmp(VARDATA_ANY(sha256), VARDATA(definition->sha256), PG_SHA256_DIGEST_LENGTH) == 0;
}

/* Names of what differs between two definitions, for an error's detail. */
static char *
describe_difference(Jsonb *old, Jsonb *new)
{
	StringInfoData list;
	JsonbIterator *it = JsonbIteratorInit(&new->root);
	JsonbValue key;
	JsonbValue value;

	initStringInfo(&list);
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char *name = pnstrdup(key.val.string.val, key.val.string.len);
		JsonbValue *before = json_find(old, name);
		Jsonb *a;
		Jsonb *b;

		(void) JsonbIteratorNext(&it, &value, true);
		a = before != NULL ? JsonbValueToJsonb(before) : json_null();
		b = JsonbValueToJsonb(&value);
		if (!json_equal(a, b))
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", name);
	}
	if (json_find(old, "timeout_ms") != NULL && json_find(new, "timeout_ms") == NULL)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", "timeout_ms");
	return list.data;
}

/* Refuse with 55000 unless the definition is the one that was pinned. */
void
definition_check_pinned(const Tool *tool, const Definition *definition, const bytea *sha256,
						int64 proposal_id)
{
	Jsonb *pinned;

	if (definition_is(definition, sha256))
		return;
	pinned = tool_definition_load(sha256);
	report_wrong_state(
		"wfo_tool_changed",
		errmsg("tool \"%s\" has changed since proposal " INT64_FORMAT " was pinned to it",
			   tool->tool, proposal_id),
		pinned != NULL
			? errdetail("What changed: %s.", describe_difference(pinned, definition->json))
			: errdetail("The pinned definition is not known here."),
		errhint("A reviewer can accept the tool as it is now with an edit, be it '{}', and an "
				"administrator for all open proposals with accept_tool_definition; or propose "
				"anew."));
}

static char *
describe_change(const Tool *tool, const Definition *now, const bytea *pinned)
{
	Jsonb *before = tool_definition_load(pinned);

	if (now == NULL)
		return psprintf("function %s does not exist", tool->function);
	if (before == NULL)
		return pstrdup("the pinned definition is not known here");
	return describe_difference(before, now->json);
}

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
	char *change;

	if (now != NULL && definition_is(now, pinned))
		return NULL;
	if (differences == NULL)
	{
		differences = cache_create("differences");
		cache_depend_on_catalogs(differences, NULL, 0);
	}
	initStringInfo(&key);
	appendBinaryStringInfo(&key, VARDATA_ANY(pinned), VARSIZE_ANY_EXHDR(pinned));
	if (now != NULL)
		appendBinaryStringInfo(&key, VARDATA(now->sha256), PG_SHA256_DIGEST_LENGTH);
	appendStringInfo(&key, "%s\n%s", tool->tool, tool->function);
	change = cache_get(differences, key.data, key.len);
	if (change == NULL)
	{
		MemoryContext memory = cache_begin_value();
		MemoryContext old = MemoryContextSwitchTo(memory);

		change = describe_change(tool, now, pinned);
		MemoryContextSwitchTo(old);
		cache_put(differences, key.data, key.len, change, memory);
	}
	return change;
}
