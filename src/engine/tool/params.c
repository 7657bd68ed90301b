/*
 * params.c
 *	  Fits the params of a call to the arguments of its function.
 *
 * It owns the conversion of params as a whole.  argument.c reads and writes one
 * argument.  Nothing here knows of proposals.
 *
 * Params are converted once, when they are proposed or edited, and stored as
 * the converted values are written.  So reviewers, rules and the tool see the
 * same thing, however it was spelled.  A value that loses something when it is
 * stored is refused.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "base/settings.h"
#include "engine/sandbox/call_settings.h"
#include "engine/sandbox/sandbox.h"
#include "engine/tool/argument.h"
#include "engine/tool/params.h"
#include "engine/tool/statement.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static char *
list_arguments(const Definition *definition)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < definition->nargs; i++)
		appendStringInfo(&list, "%s%s %s", i > 0 ? ", " : "", definition->arg_names[i],
						 format_type_be(definition->arg_types[i]));
	return list.data;
}

static int
find_argument(const Definition *definition, const char *name)
{
	for (int i = 0; name[0] != '\0' && i < definition->nargs; i++)
		if (strcmp(definition->arg_names[i], name) == 0)
			return i;
	return -1;
}

/*
 * Refuse members that the composite type has no attribute for.
 * jsonb_populate_record would silently drop them.
 */
static void
check_members(const Tool *tool, const char *path, JsonbContainer *value, Oid type)
{
	JsonMembers members;
	Oid element;
	TupleDesc desc;

	check_stack_depth();
	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element) && JsonContainerIsArray(value))
	{
		JsonbIterator *it = JsonbIteratorInit(value);
		JsonbIteratorToken token;
		JsonbValue member;

		while ((token = JsonbIteratorNext(&it, &member, true)) != WJB_DONE)
			if (token == WJB_ELEM && member.type == jbvBinary)
				check_members(tool, path, member.val.binary.data,
							  JsonContainerIsArray(member.val.binary.data) ? type : element);
		return;
	}
	if (get_typtype(type) != TYPTYPE_COMPOSITE || !JsonContainerIsObject(value))
		return;

	desc = lookup_rowtype_tupdesc_copy(type, -1);
	json_members_begin(&members, value);
	while (json_members_next(&members))
	{
		char *name = pnstrdup(members.key.val.string.val, members.key.val.string.len);
		Oid attribute = InvalidOid;

		for (int i = 0; i < desc->natts; i++)
			if (!TupleDescAttr(desc, i)->attisdropped &&
				strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
				attribute = TupleDescAttr(desc, i)->atttypid;
		if (!OidIsValid(attribute))
			report_invalid("wfo_params_unfit",
						   errmsg("params do not fit tool \"%s\": unknown key \"%s\" in \"%s\"",
								  tool->tool, name, path),
						   errdetail("Type %s has no attribute of that name.",
									 format_type_be(type)));
		if (members.value.type == jbvBinary)
			check_members(tool, psprintf("%s.%s", path, name), members.value.val.binary.data,
						  attribute);
	}
}

/* Check that all keys are arguments and that no required argument is missing. */
static void
check_keys(const Tool *tool, const Definition *definition, Jsonb *params)
{
	JsonMembers members;

	json_members_begin(&members, &params->root);
	while (json_members_next(&members))
	{
		char *name = pnstrdup(members.key.val.string.val, members.key.val.string.len);
		int argument = find_argument(definition, name);

		if (argument < 0)
			report_invalid("wfo_params_unfit",
						   errmsg("params do not fit tool \"%s\": unknown key \"%s\"", tool->tool,
								  name),
						   errdetail("The tool's arguments are (%s).", list_arguments(definition)));
		if (members.value.type == jbvNull && definition->strict)
			report_invalid("wfo_params_unfit",
						   errmsg("params do not fit tool \"%s\": \"%s\" is null", tool->tool,
								  name),
						   errdetail("The tool's function is STRICT and would not be called."));
		if (members.value.type == jbvBinary)
			check_members(tool, name, members.value.val.binary.data,
						  definition->arg_types[argument]);
	}

	for (int i = 0; i < definition->nargs; i++)
		if (!definition->has_default[i] && json_find(params, definition->arg_names[i]) == NULL)
			report_invalid("wfo_params_unfit",
						   errmsg("params do not fit tool \"%s\": \"%s\" is missing", tool->tool,
								  definition->arg_names[i]),
						   errdetail("The tool's arguments are (%s).", list_arguments(definition)));
}

/* Positions of the arguments that params have. */
static int *
list_given(const Definition *definition, Jsonb *params, int *count)
{
	int *given = palloc(sizeof(int) * Max(definition->nargs, 1));

	*count = 0;
	for (int i = 0; i < definition->nargs; i++)
		if (json_find(params, definition->arg_names[i]) != NULL)
			given[(*count)++] = i;
	return given;
}

typedef struct Conversion
{
	const Definition *definition;
	Jsonb *params;
	int *given;
	int count;
	bool at_once; /* to be tried first; one by one only where that does not do */
	int argument; /* that is being converted */
	bool again;   /* from the form in which it is stored */
	Jsonb *converted;
} Conversion;

/*
 * Refuse a value that changes when it is written as jsonb and read again: the
 * tool would be called with another value.
 */
static void
check_round_trip(Conversion *conversion, Datum value, bool isnull)
{
	const Definition *definition = conversion->definition;
	int argument = conversion->argument;
	Datum again;
	bool again_isnull;

	conversion->again = true;
	arguments_read(definition, &argument, 1, conversion->converted, &again, &again_isnull);
	conversion->again = false;
	if (isnull != again_isnull ||
		(!isnull && !argument_is_same(definition, argument, value, again)))
		report_invalid("wfo_params_unfit",
					   errmsg("JSON cannot hold the value of \"%s\"",
							  definition->arg_names[argument]),
					   errdetail("The value changes when it is written as JSON and read again."),
					   errhint("JSON cannot hold array bounds that do not begin with 1, for "
							   "example."));
}

static void
convert_one_by_one(Conversion *conversion)
{
	const Definition *definition = conversion->definition;
	Datum *values = palloc(sizeof(Datum) * conversion->count);
	bool *nulls = palloc(sizeof(bool) * conversion->count);
	JsonObject converted;

	json_object_begin(&converted);
	for (int i = 0; i < conversion->count; i++)
	{
		conversion->argument = conversion->given[i];
		arguments_read(definition, &conversion->given[i], 1, conversion->params, &values[i],
					   &nulls[i]);
		json_add_jsonb(&converted, definition->arg_names[conversion->argument],
					   argument_write(definition, conversion->argument, values[i], nulls[i]));
	}
	conversion->converted = json_object_end(&converted);

	for (int i = 0; i < conversion->count; i++)
	{
		conversion->argument = conversion->given[i];
		if (!definition->arg_facts[conversion->argument].fixed)
			check_round_trip(conversion, values[i], nulls[i]);
	}
}

static void
convert(void *arg)
{
	Conversion *conversion = arg;

	conversion->converted = NULL;
	if (conversion->at_once)
		conversion->converted = arguments_rewrite(conversion->definition, conversion->given,
												  conversion->count, conversion->params);
	conversion->at_once = false;
	if (conversion->converted == NULL)
		convert_one_by_one(conversion);
}

/* Whether an error says that a value does not fit its type. */
static bool
is_data_error(int sqlerrcode)
{
	int category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		   category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		   category == ERRCODE_FEATURE_NOT_SUPPORTED;
}

/* Report the error that the conversion of an argument ended with. */
static void
report_unfit(const Tool *tool, const Conversion *conversion, const ErrorData *error)
{
	const Definition *definition = conversion->definition;
	const char *name = definition->arg_names[conversion->argument];
	const char *type = format_type_be(definition->arg_types[conversion->argument]);

	if (conversion->again)
		report_invalid("wfo_params_unfit",
					   errmsg("params do not fit tool \"%s\": JSON cannot hold the value of \"%s\"",
							  tool->tool, name),
					   errdetail("Argument \"%s\" is of type %s. Its stored form cannot be read: "
								 "%s",
								 name, type, error->message));
	report_invalid("wfo_params_unfit",
				   errmsg("params do not fit tool \"%s\": %s", tool->tool, error->message),
				   errdetail("Argument \"%s\" is of type %s.%s%s", name, type,
							 error->detail != NULL ? " " : "",
							 error->detail != NULL ? error->detail : ""),
				   error->hint != NULL ? errhint("%s", error->hint) : 0);
}

/*
 * Convert values of built-in types, which run no code of a user, without a
 * sandbox.  Errors are not caught for good: they only get another code, once it
 * is known which argument they concern.
 */
static void
convert_builtin(const Tool *tool, Conversion *conversion)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData *volatile error = NULL;
	int nest_level = NewGUCNestLevel();

	if (!conversion->definition->fixed_types)
		call_settings_pin(tool->search_path);
	PG_TRY();
	{
		convert(conversion);
	}
	PG_CATCH();
	{
		if (!is_data_error(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	AtEOXact_GUC(false, nest_level);

	/*
	 * The conversion of all arguments failed; converting them one by one tells
	 * which argument it is.
	 */
	if (error != NULL && conversion->at_once)
	{
		conversion->at_once = false;
		convert_builtin(tool, conversion);
	}
	else if (error != NULL)
		report_unfit(tool, conversion, error);
}

/* Refuse params, or edits of them, that are too large: 54000. */
void
params_check_size(Jsonb *params)
{
	if (VARSIZE(params) > (Size) setting_max_params_size * 1024)
		report_limit("wfo_params_too_large", errmsg("params are too large"),
					 errdetail("They take %zu bytes; the limit is %d kB.", (Size) VARSIZE(params),
							   setting_max_params_size),
					 errhint("The limit is the setting workflow_orch.max_params_size."));
}

/* Check that run_sql runs the statement of a call. */
static void
check_statement(const Tool *tool, Jsonb *params)
{
	JsonbValue *statement = json_find(params, "statement");

	if (statement == NULL || statement->type != jbvString)
		report_invalid("wfo_params_unfit",
					   errmsg("params do not fit tool \"%s\": argument \"statement\" must not be "
							  "null",
							  tool->tool));
	(void) statement_parse(pnstrdup(statement->val.string.val, statement->val.string.len));
}

/*
 * Check params against a tool and convert them.
 *
 * params must be an object. 22023 if they do not fit, 54000 if they are too
 * large; for run_sql, also what statement_parse refuses.  Code of user-defined
 * types runs as run_as, read only, and is rolled back.
 */
Jsonb *
params_convert(const Tool *tool, const Definition *definition, Oid run_as, int64 timeout,
			   Jsonb *params)
{
	Conversion conversion = {.definition = definition, .params = params};

	params_check_size(params);
	if (definition->whole_object)
		return params;
	check_keys(tool, definition, params);

	conversion.given = list_given(definition, params, &conversion.count);
	if (conversion.count == 0)
		return params;
	conversion.at_once = definition->builtin_types;
	if (definition->builtin_types)
		convert_builtin(tool, &conversion);
	else
	{
		Sandbox sandbox = {.role = run_as,
						   .search_path = tool->search_path,
						   .timeout = timeout,
						   .grace = setting_timeout_grace,
						   .read_only = true,
						   .keep = false};
		ErrorData *error = sandbox_run(&sandbox, convert, &conversion);

		if (error != NULL)
			report_unfit(tool, &conversion, error);
	}
	if (conversion.converted == NULL)
		elog(ERROR, "params of tool \"%s\" were not converted", tool->tool);
	params_check_size(conversion.converted);
	if (definition->runs_sql)
		check_statement(tool, conversion.converted);
	return conversion.converted;
}

/* An argument by name, which the planner puts in its place among the defaults. */
static NamedArgExpr *
name_argument(const Definition *definition, int position, Param *param)
{
	NamedArgExpr *argument = makeNode(NamedArgExpr);

	argument->arg = (Expr *) param;
	argument->name = definition->arg_names[position];
	argument->argnumber = position;
	argument->location = -1;
	return argument;
}

static void
add_argument(Arguments *arguments, const Definition *definition, int position, Oid type,
			 Oid collation, Datum value, bool isnull)
{
	ParamExternData *data = &arguments->values->params[list_length(arguments->expressions)];
	Param *param = makeNode(Param);

	data->value = value;
	data->isnull = isnull;
	data->pflags = PARAM_FLAG_CONST;
	data->ptype = type;

	param->paramkind = PARAM_EXTERN;
	param->paramid = list_length(arguments->expressions) + 1;
	param->paramtype = type;
	param->paramtypmod = -1;
	param->paramcollid = collation;
	param->location = -1;
	arguments->expressions = lappend(arguments->expressions,
									 arguments->complete
										 ? (void *) param
										 : (void *) name_argument(definition, position, param));
}

/*
 * Whether an argument is what was approved: its stored form must be what is
 * stored.  Values of fixed types cannot differ.
 */
static bool
is_as_stored(const Definition *definition, int position, Datum value, bool isnull, Jsonb *params)
{
	Jsonb *stored;
	Jsonb *now;

	if (definition->arg_facts[position].fixed)
		return true;
	stored = JsonbValueToJsonb(json_find(params, definition->arg_names[position]));
	now = argument_write(definition, position, value, isnull);
	return strcmp(json_text(stored), json_text(now)) == 0;
}

/*
 * Build the arguments of a call that params contain; defaults supply the rest.
 *
 * They are parameters and not constants, so that the planner does not call the
 * tool while it simplifies the expression.  Runs as the current user.  Returns
 * the name of an argument that differs from what is stored, or NULL.
 */
const char *
params_arguments(const Definition *definition, Jsonb *params, Arguments *arguments)
{
	int *given;
	int count;
	Datum *values;
	bool *nulls;

	arguments->expressions = NIL;
	arguments->complete = definition->whole_object ||
						  (int) JB_ROOT_COUNT(params) == definition->nargs;
	arguments->values = makeParamList(Max(definition->nargs, 1));
	if (definition->whole_object)
	{
		add_argument(arguments, definition, 0, JSONBOID, InvalidOid, JsonbPGetDatum(params), false);
		return NULL;
	}

	given = list_given(definition, params, &count);
	if (count == 0)
		return NULL;
	values = palloc(sizeof(Datum) * count);
	nulls = palloc(sizeof(bool) * count);
	arguments_read(definition, given, count, params, values, nulls);
	for (int i = 0; i < count; i++)
	{
		if (!is_as_stored(definition, given[i], values[i], nulls[i], params))
			return definition->arg_names[given[i]];
		add_argument(arguments, definition, given[i], definition->arg_types[given[i]],
					 get_typcollation(definition->arg_types[given[i]]), values[i], nulls[i]);
	}
	return NULL;
}
