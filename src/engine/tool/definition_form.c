/*
 * definition_form.c
 *	  The normal form of what a definition has as the server's own SQL text.
 *
 * SQL-standard bodies, defaults and CHECK constraints are kept as the server
 * deparses them, which is also what pg_dump writes.  When such a text is read
 * and written again, it can change: a literal gets a column name, a cast moves
 * into an array.  So a restore or another major version changes the text and
 * not the meaning.  This file reads and writes such texts until they no longer
 * change; equal meaning is then equal text.
 *
 * Reading a text looks up names, converts literals, which may run code of their
 * types, and locks the tables that it names.  So it is done as the role that
 * the function runs as, in the sandbox, read only, and is rolled back with its
 * locks.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/json.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "engine/sandbox/sandbox.h"
#include "engine/tool/argument_type.h"
#include "engine/tool/definition_form.h"
#include "executor/functions.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/regproc.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

/* Maximum number of times that a text is read and written; two have always been enough. */
#define MAX_ROUNDS 8

/* Time limit for that, including waits for locks. */
#define FORM_TIMEOUT_MS 1000

#define ATOMIC_BEGIN "BEGIN ATOMIC\n"
#define RETURN_BEGIN "RETURN "

/* The statements of a body: several for BEGIN ATOMIC, or one RETURN. */
static List *
parse_body(const char *body)
{
	List *raw = raw_parser(psprintf("CREATE FUNCTION f() %s", body), RAW_PARSE_DEFAULT);
	CreateFunctionStmt *create = (CreateFunctionStmt *) linitial_node(RawStmt, raw)->stmt;

	if (list_length(raw) != 1 || !IsA(create, CreateFunctionStmt) || create->sql_body == NULL)
		elog(ERROR, "could not read a function's body");
	return IsA(create->sql_body, List) ? linitial_node(List, castNode(List, create->sql_body))
									   : list_make1(create->sql_body);
}

/* Read a body and write it again. */
static char *
rewrite_body(const char *body, SQLFunctionParseInfo *scope)
{
	bool atomic = strncmp(body, ATOMIC_BEGIN, strlen(ATOMIC_BEGIN)) == 0;
	StringInfoData result;
	ListCell *cell;

	initStringInfo(&result);
	appendStringInfoString(&result, atomic ? ATOMIC_BEGIN : "");
	foreach (cell, parse_body(body))
	{
		ParseState *pstate = make_parsestate(NULL);

		pstate->p_sourcetext = body;
		sql_fn_parser_setup(pstate, scope);
		appendStringInfo(&result, atomic ? "%s;\n" : "%s",
						 pg_get_querydef(transformStmt(pstate, lfirst(cell)), false));
		free_parsestate(pstate);
	}
	appendStringInfoString(&result, atomic ? "END" : "");
	return result.data;
}

/* Read and write a body until it no longer changes. */
static char *
normalize_body(char *body, SQLFunctionParseInfo *scope)
{
	for (int i = 0; i < MAX_ROUNDS; i++)
	{
		char *next = rewrite_body(body, scope);

		if (strcmp(next, body) == 0)
			break;
		body = next;
	}
	return body;
}

/* The text that a member of a definition is, or NULL. */
static char *
text_of_member(Jsonb *value)
{
	JsonbValue scalar;

	if (!JB_ROOT_IS_SCALAR(value) || !JsonbExtractScalar(&value->root, &scalar) ||
		scalar.type != jbvString)
		return NULL;
	return pnstrdup(scalar.val.string.val, scalar.val.string.len);
}

/* A member that is an expression, in its normal form. */
static Jsonb *
normalize_expression(Jsonb *value, SQLFunctionParseInfo *scope)
{
	char *text = text_of_member(value);

	if (text == NULL)
		return value;
	return json_string(normalize_body(psprintf(RETURN_BEGIN "(%s)", text), scope));
}

/* A member that is a body, in its normal form; other bodies are not SQL as the server writes it. */
static Jsonb *
normalize_body_member(Jsonb *value, SQLFunctionParseInfo *scope)
{
	char *text = text_of_member(value);

	if (text == NULL || (strncmp(text, ATOMIC_BEGIN, strlen(ATOMIC_BEGIN)) != 0 &&
						 strncmp(text, RETURN_BEGIN, strlen(RETURN_BEGIN)) != 0))
		return value;
	return json_string(normalize_body(text, scope));
}

/* A function's body, whose names may be those of the arguments. */
static Jsonb *
normalize_function_body(Jsonb *value, Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		return value;
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId)
		value = normalize_body_member(value, prepare_sql_fn_parse_info(tuple, NULL, InvalidOid));
	ReleaseSysCache(tuple);
	return value;
}

/* What a domain's CHECK can name: the value. */
static SQLFunctionParseInfo *
domain_scope(Oid domain)
{
	SQLFunctionParseInfo *scope = palloc0(sizeof(SQLFunctionParseInfo));

	scope->fname = "domain";
	scope->nargs = 1;
	scope->argtypes = palloc(sizeof(Oid));
	scope->argtypes[0] = domain_over(domain);
	scope->argnames = palloc(sizeof(char *));
	scope->argnames[0] = "value";
	return scope;
}

/* An object with other values: map says which, by their keys. */
typedef Jsonb *(*MapMember)(const Definition *now, Oid context, const char *key, Jsonb *value);

static Jsonb *
map_object(Jsonb *object, MapMember map, const Definition *now, Oid context)
{
	JsonbIterator *it;
	JsonbValue key;
	JsonbValue value;
	JsonObject result;

	if (!JB_ROOT_IS_OBJECT(object))
		return object;
	it = JsonbIteratorInit(&object->root);
	(void) JsonbIteratorNext(&it, &key, true);
	json_object_begin(&result);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char *name = pnstrdup(key.val.string.val, key.val.string.len);

		(void) JsonbIteratorNext(&it, &value, true);
		json_add_jsonb(&result, name, map(now, context, name, JsonbValueToJsonb(&value)));
	}
	return json_object_end(&result);
}

static Jsonb *
map_check(pg_attribute_unused() const Definition *now, Oid domain,
		  pg_attribute_unused() const char *key, Jsonb *value)
{
	return normalize_expression(value, domain_scope(domain));
}

static Jsonb *
map_member_of_type(const Definition *now, Oid type, const char *key, Jsonb *value)
{
	return strcmp(key, "checks") == 0 ? map_object(value, map_check, now, type) : value;
}

static Jsonb *
map_type(const Definition *now, pg_attribute_unused() Oid context, const char *key, Jsonb *value)
{
	ListCell *cell;

	foreach (cell, now->used_types)
		if (strcmp(format_type_be_qualified(lfirst_oid(cell)), key) == 0)
			return map_object(value, map_member_of_type, now, lfirst_oid(cell));
	return value;
}

static Jsonb *
map_member_of_function(pg_attribute_unused() const Definition *now, Oid function, const char *key,
					   Jsonb *value)
{
	return strcmp(key, "body") == 0 ? normalize_function_body(value, function) : value;
}

static Jsonb *
map_function(const Definition *now, pg_attribute_unused() Oid context, const char *key,
			 Jsonb *value)
{
	ListCell *cell;

	foreach (cell, now->used_functions)
		if (strcmp(format_procedure_qualified(lfirst_oid(cell)), key) == 0)
			return map_object(value, map_member_of_function, now, lfirst_oid(cell));
	return value;
}

static Jsonb *
map_member_of_argument(pg_attribute_unused() const Definition *now,
					   pg_attribute_unused() Oid context, const char *key, Jsonb *value)
{
	SQLFunctionParseInfo *nothing = palloc0(sizeof(SQLFunctionParseInfo));

	nothing->fname = "default";
	return strcmp(key, "default") == 0 ? normalize_expression(value, nothing) : value;
}

static Jsonb *
map_arguments(const Definition *now, Jsonb *arguments)
{
	JsonbIterator *it = JsonbIteratorInit(&arguments->root);
	JsonbValue value;
	JsonArray result;

	json_array_begin(&result);
	(void) JsonbIteratorNext(&it, &value, true);
	while (JsonbIteratorNext(&it, &value, true) == WJB_ELEM)
		json_array_add(&result, map_object(JsonbValueToJsonb(&value), map_member_of_argument, now,
										   InvalidOid));
	return json_array_end(&result);
}

static Jsonb *
map_member_of_definition(const Definition *now, Oid context, const char *key, Jsonb *value)
{
	if (strcmp(key, "body") == 0)
		return normalize_function_body(value, now->function);
	if (strcmp(key, "arguments") == 0)
		return map_arguments(now, value);
	if (strcmp(key, "types") == 0)
		return map_object(value, map_type, now, context);
	if (strcmp(key, "functions") == 0)
		return map_object(value, map_function, now, context);
	return value;
}

typedef struct Normalization
{
	const Definition *now;
	Jsonb **definitions;
	int count;
} Normalization;

static void
normalize(void *arg)
{
	Normalization *normalization = arg;

	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	for (int i = 0; i < normalization->count; i++)
		normalization->definitions[i] = map_object(normalization->definitions[i],
												   map_member_of_definition, normalization->now,
												   InvalidOid);
}

/*
 * Replace definitions of a tool by their normal forms, given what its function
 * is now.  Returns NULL, or the error that prevented it; the definitions are
 * then unchanged.  The tool's role must be the one that was registered.
 */
ErrorData *
definition_normalize(const Tool *tool, const Definition *now, Jsonb **definitions, int count)
{
	Jsonb **copies = memcpy(palloc(sizeof(Jsonb *) * count), definitions, sizeof(Jsonb *) * count);
	Normalization normalization = {.now = now, .definitions = copies, .count = count};
	Sandbox sandbox = {.role = now->security_definer ? now->owner : tool->run_as_oid,
					   .search_path = DEFINITION_SEARCH_PATH,
					   .timeout = FORM_TIMEOUT_MS,
					   .read_only = true,
					   .keep = false};
	MemoryContext context = CurrentMemoryContext;
	ErrorData *volatile error = NULL;

	PG_TRY();
	{
		error = sandbox_run(&sandbox, normalize, &normalization);
	}
	PG_CATCH();
	{
		/* No code of other users may run in this session; the sandbox has cleaned up. */
		if (geterrcode() != ERRCODE_INSUFFICIENT_PRIVILEGE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();

	if (error == NULL)
		memcpy(definitions, copies, sizeof(Jsonb *) * count);
	return error;
}
