/*
 * built_in.c
 *	  Calls of built-in tools: their params, and what they rest on.
 *
 * A built-in tool makes a call of the SQL interface, with the proposer as the
 * caller.  Its params are the arguments of that call, and members that say what
 * the call rests on, for the reviewers to see.  They are filled in when the call
 * is proposed, and must be the same when it is executed.  This file owns these
 * members.  Whether the call would be refused, the call itself tells: it is made
 * and rolled back when it is proposed.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/approval/vote.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/capability.h"
#include "engine/run/built_in.h"
#include "engine/sandbox/call_settings.h"
#include "engine/state.h"
#include "engine/tool/invoke.h"
#include "engine/tool/params.h"
#include "engine/tool/tool_path.h"
#include "model/built_in.h"
#include "store/lock.h"
#include "store/row_json.h"
#include "store/tool_definition.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

/* The search_path of calls that look nothing up. */
#define NO_SEARCH_PATH "pg_catalog, pg_temp"

/* A row that a call is about. */
typedef struct BuiltInRow
{
	const char *argument; /* that has its key; NULL: the table has only one row */
	StoreTable table;
} BuiltInRow;

/* What the call of a built-in tool rests on. */
typedef struct BuiltIn
{
	const char *call;
	BuiltInRow rows[2];
	int nrows;
	bool has_tool;     /* it is about the definition of a tool, "tool", if it names one */
	bool has_function; /* the function that it names becomes part of that definition */
} BuiltIn;

static const BuiltIn built_ins[] = {
	{.call = "set_policy", .nrows = 1, .rows = {{NULL, STORE_POLICY}}},
	{.call = "add_approval_rule", .has_tool = true},
	{.call = "remove_approval_rule", .nrows = 1, .rows = {{"rule_id", STORE_APPROVAL_RULE}}},
	{.call = "register_tool", .has_tool = true, .has_function = true},
	{.call = "update_tool",
	 .nrows = 1,
	 .rows = {{"tool", STORE_TOOL}},
	 .has_tool = true,
	 .has_function = true},
	{.call = "set_tool_enabled", .nrows = 1, .rows = {{"tool", STORE_TOOL}}, .has_tool = true},
	{.call = "register_actor"},
	{.call = "update_actor", .nrows = 1, .rows = {{"actor_id", STORE_ACTOR}}},
	{.call = "grant_capability"},
	{.call = "revoke_capability"},
	{.call = "remove_freeze", .nrows = 1, .rows = {{"freeze_id", STORE_FREEZE}}},
	{.call = "delegate_review",
	 .nrows = 2,
	 .rows = {{"from_actor", STORE_ACTOR}, {"to_actor", STORE_ACTOR}}},
	{.call = "resume_queue"},
	{.call = "release_hold", .nrows = 1, .rows = {{"workflow_id", STORE_WORKFLOW}}},
	/* Without rows: what is to be redacted would stay in the params. */
	{.call = "redact_proposal"},
	{.call = "redact_actor"},
	{.call = "purge_workflows"},
	{.call = "adopt_origin"},
	{.call = "new_origin"},
	{.call = "standing_approval",
	 .nrows = 1,
	 .rows = {{"actor_id", STORE_ACTOR}},
	 .has_tool = true},
};

static const BuiltIn *
find_built_in(const char *tool)
{
	const char *call = built_in_call(tool);

	for (int i = 0; i < (int) lengthof(built_ins); i++)
		if (strcmp(built_ins[i].call, call) == 0)
			return &built_ins[i];
	elog(ERROR, "built-in tool \"%s\" is not known", tool);
}

static Jsonb *
concat(Jsonb *a, Jsonb *b)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(a), JsonbPGetDatum(b)));
}

static char *
text_member(Jsonb *params, const char *member)
{
	JsonbValue *value = json_find(params, member);

	return value != NULL && value->type == jbvString
			   ? pnstrdup(value->val.string.val, value->val.string.len)
			   : NULL;
}

/* The search_path that a call was proposed with. */
const char *
built_in_search_path(Jsonb *params)
{
	const char *path = text_member(params, BUILT_IN_SEARCH_PATH);

	return path != NULL ? path : NO_SEARCH_PATH;
}

/* The tool for a call by this proposer, as whom it runs, and with the params' search_path. */
const Tool *
built_in_tool(const Tool *tool, const Actor *proposer, Jsonb *params)
{
	Tool *copy = palloc(sizeof(Tool));

	*copy = *tool;
	copy->run_as = proposer->db_role;
	copy->run_as_oid = proposer->db_role_oid;
	copy->search_path = unconstify(char *, built_in_search_path(params));
	return copy;
}

/* Refuse a proposer who may not make the call: 42501. */
void
built_in_check_proposer(const char *tool, const Actor *proposer)
{
	Capability needed = built_in_is_administrative(tool) ? CAPABILITY_ADMINISTER
														 : CAPABILITY_PROPOSE;

	actor_check_active(proposer);
	if (actor_role_name(proposer) != NULL && capability_is_held(proposer->db_role_oid, needed))
		return;
	report_denied("wfo_capability_missing",
				  errmsg("actor " INT64_FORMAT " may not have tool \"%s\" called",
						 proposer->actor_id, tool),
				  errdetail("The role of the actor who proposes the call must hold the capability "
							"\"%s\", when it is proposed and when it is executed.",
							capability_info(needed)->name),
				  errhint("Let somebody propose it whose role holds the capability."));
}

/* The row that an argument names, or NULL. */
static Jsonb *
find_row(const BuiltInRow *row, Jsonb *params)
{
	JsonbValue *key;

	if (row->argument == NULL)
		return row_json_only(row->table);
	key = json_find(params, row->argument);
	if (key == NULL)
		return NULL;
	if (key->type == jbvNumeric)
		return row_json_by_id(row->table,
							  DatumGetInt64(DirectFunctionCall1(numeric_int8,
																NumericGetDatum(key->val
																					.numeric))));
	return key->type == jbvString ? row_json_by_name(row->table, text_member(params, row->argument))
								  : NULL;
}

static void
add_old_rows(JsonObject *object, const BuiltIn *built_in, Jsonb *params)
{
	JsonObject rows;

	if (built_in->nrows == 1)
	{
		Jsonb *row = find_row(&built_in->rows[0], params);

		json_add_jsonb(object, BUILT_IN_OLD, row != NULL ? row : json_null());
		return;
	}
	json_object_begin(&rows);
	for (int i = 0; i < built_in->nrows; i++)
	{
		Jsonb *row = find_row(&built_in->rows[i], params);

		json_add_jsonb(&rows, built_in->rows[i].argument, row != NULL ? row : json_null());
	}
	json_add_jsonb(object, BUILT_IN_OLD, json_object_end(&rows));
}

/* Add the OID of the role that an argument names. */
static void
add_role_oid(JsonObject *object, Jsonb *params, const char *argument, const char *member)
{
	const char *name = text_member(params, argument);
	LOCAL_FCINFO(fcinfo, 1);
	Datum role;

	if (name == NULL || strcmp(name, "-") == 0)
		return;
	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = CStringGetTextDatum(name);
	fcinfo->args[0].isnull = false;
	role = to_regrole(fcinfo);
	if (!fcinfo->isnull)
		json_add_int(object, member, DatumGetObjectId(role));
}

/* What a call with these params rests on, as it is now. */
static Jsonb *
present_state(const BuiltIn *built_in, Jsonb *params)
{
	JsonObject state;
	int nest_level = NewGUCNestLevel();

	call_settings_pin(NO_SEARCH_PATH);
	json_object_begin(&state);
	if (built_in->nrows > 0)
		add_old_rows(&state, built_in, params);
	add_role_oid(&state, params, "run_as", BUILT_IN_RUN_AS_OID);
	add_role_oid(&state, params, "db_role", BUILT_IN_DB_ROLE_OID);
	AtEOXact_GUC(false, nest_level);
	return json_object_end(&state);
}

/* The hash of the definition that a tool has now, in hex. */
static char *
definition_hash(const char *tool, const Definition **definition)
{
	*definition = definition_load(tool_require(tool));
	return sha256_hex((*definition)->sha256);
}

/* The trial of a call, and what it shows. */
typedef struct Trial
{
	const BuiltIn *built_in;
	Jsonb *params;
	char *definition;
	const char *tool;
	bytea *sha256;
	Jsonb *json;
} Trial;

/* Look at what the call has done, before it is undone. */
static void
look_at_tool(void *arg, pg_attribute_unused() const Jsonb *output)
{
	Trial *trial = arg;
	const Definition *definition;

	trial->tool = trial->built_in->has_tool ? text_member(trial->params, "tool") : NULL;
	if (trial->tool == NULL)
		return;
	trial->definition = definition_hash(trial->tool, &definition);
	trial->sha256 = DatumGetByteaPCopy(PointerGetDatum(definition->sha256));
	trial->json = json_copy(definition->json);
}

/* Make the call and roll it back; raises what it is refused with. */
static void
try_call(const BuiltInCall *call, const Tool *tool, Trial *trial)
{
	Invocation invocation = {.proposal_id = call->proposal_id,
							 .actor = call->proposer->name,
							 .run_as = call->proposer->db_role_oid,
							 .built_in = trial->built_in->call,
							 .undo = true,
							 .look = look_at_tool,
							 .look_arg = trial};
	Jsonb *output;
	RowCount rows;
	ErrorData *error = invoke(&invocation, tool, call->definition, call->timeout, trial->params,
							  &output, &rows);

	if (error != NULL)
		ReThrowError(error);
	if (trial->json != NULL)
		tool_definition_keep(trial->sha256, trial->tool, trial->json);
}

/* Refuse members that would be filled in with another value: 22023. */
static void
check_given(const char *tool, Jsonb *given, Jsonb *params)
{
	for (const char *const *member = built_in_members; *member != NULL; member++)
	{
		JsonbValue *value = json_find(given, *member);
		JsonbValue *now = json_find(params, *member);

		if (value == NULL ||
			(now != NULL && json_equal(JsonbValueToJsonb(value), JsonbValueToJsonb(now))))
			continue;
		report_invalid("wfo_params_unfit",
					   errmsg("params do not fit tool \"%s\": \"%s\" is filled in", tool, *member),
					   now != NULL ? errdetail("It is another value now.")
								   : errdetail("The call has no such member."),
					   errhint("Leave it out."));
	}
}

/* The arguments of a call, converted; a tool that names no role gets that of the proposer. */
Jsonb *
built_in_convert(const BuiltInCall *call, Jsonb *params, const char *search_path)
{
	Tool tool = *built_in_tool(call->tool, call->proposer, params);
	Jsonb *arguments = built_in_arguments(params);
	JsonbValue *run_as = json_find(arguments, "run_as");
	JsonObject defaults;

	tool.search_path = unconstify(char *, search_path);
	if (strcmp(built_in_call(tool.tool), "register_tool") == 0 &&
		(run_as == NULL || run_as->type == jbvNull))
	{
		json_object_begin(&defaults);
		json_add_text(&defaults, "run_as", quote_identifier(actor_role_name(call->proposer)));
		arguments = concat(arguments, json_object_end(&defaults));
	}
	return params_convert(&tool, call->definition, call->proposer->db_role_oid, call->timeout,
						  arguments);
}

/*
 * The params of a call: its arguments, converted, and what the call rests on.
 * The call is made with the proposer's role and rolled back, and what it is
 * refused with is raised.
 *
 * The caller has called built_in_check_proposer().
 */
Jsonb *
built_in_complete(const BuiltInCall *call, Jsonb *params, const char *search_path)
{
	Trial trial = {.built_in = find_built_in(call->tool->tool)};
	Tool tool = *built_in_tool(call->tool, call->proposer, params);
	JsonObject more;
	Jsonb *result;
	JsonbValue *function;

	Assert(actor_role_name(call->proposer) != NULL);
	trial.params = built_in_convert(call, params, search_path);
	tool.search_path = unconstify(char *, search_path);
	result = concat(trial.params, present_state(trial.built_in, trial.params));
	try_call(call, &tool, &trial);

	json_object_begin(&more);
	function = json_find(trial.params, "function");
	if (trial.built_in->has_function && function != NULL && function->type != jbvNull)
		json_add_text(&more, BUILT_IN_SEARCH_PATH, search_path);
	if (trial.definition != NULL)
		json_add_text(&more, BUILT_IN_DEFINITION, trial.definition);
	result = concat(result, json_object_end(&more));
	check_given(call->tool->tool, params, result);
	params_check_size(result);
	return result;
}

/* Keep other changes of the administration from happening until the end of the transaction. */
void
built_in_exclude_others(void)
{
	if (store_try_lock_id(LOCK_ADMINISTRATION, 0))
		return;
	report_busy("wfo_busy", errmsg("the administration is locked by another session"),
				errhint("Try again when the other session has ended its transaction."));
}

static void
report_changed(const Proposal *proposal, const char *member)
{
	report_wrong_state("wfo_basis_changed",
					   errmsg("what proposal " INT64_FORMAT
							  " rests on has changed since it was proposed",
							  proposal->proposal_id),
					   errdetail("Member \"%s\" of its params is not what it is now.", member),
					   errhint("Edit the proposal with '{}', which fills it in afresh, or propose "
							   "the call again."));
}

/* Refuse a call that rests on what has changed: 55000. */
void
built_in_check_unchanged(const Proposal *proposal)
{
	static const char *const members[] = {BUILT_IN_OLD, BUILT_IN_RUN_AS_OID, BUILT_IN_DB_ROLE_OID};
	Jsonb *now = present_state(find_built_in(proposal->tool), built_in_arguments(proposal->params));

	for (int i = 0; i < (int) lengthof(members); i++)
	{
		JsonbValue *then = json_find(proposal->params, members[i]);
		JsonbValue *today = json_find(now, members[i]);

		if ((then == NULL) != (today == NULL) ||
			(then != NULL && !json_equal(JsonbValueToJsonb(then), JsonbValueToJsonb(today))))
			report_changed(proposal, members[i]);
	}
}

/* Refuse a call that has given a tool another definition than was approved: 55000. */
void
built_in_check_definition(const Proposal *proposal)
{
	const char *approved = text_member(proposal->params, BUILT_IN_DEFINITION);
	const Definition *definition;

	if (approved != NULL &&
		strcmp(approved, definition_hash(text_member(proposal->params, "tool"), &definition)) != 0)
		report_changed(proposal, BUILT_IN_DEFINITION);
}

/* Who answers for a call: its proposer, those who approved it and who executes it. */
Jsonb *
built_in_authority(const Proposal *proposal, const Actor *executor)
{
	Votes votes;
	JsonObject authority;
	JsonArray approvers;

	votes_load(&votes, proposal);
	json_object_begin(&authority);
	json_add_int(&authority, "proposed_by", proposal->actor_id);
	json_array_begin(&approvers);
	for (int i = 0; i < votes.napprovals; i++)
		json_array_add_int(&approvers, votes.approvers[i].actor_id);
	json_add_jsonb(&authority, "approved_by", json_array_end(&approvers));
	if (executor != NULL)
		json_add_int(&authority, "executed_by", executor->actor_id);
	return json_object_end(&authority);
}
