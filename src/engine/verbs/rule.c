/*
 * rule.c
 *	  Adds and removes approval rules.
 *
 * It owns the checks of rules, which rules to be tested share, and the writing.
 * A rule that is removed stays in
 * the table, since revisions refer to it.  What rules mean for a revision is
 * requirement.c's business.
 */
#include "postgres.h"

#include "base/args.h"
#include "base/errors.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/approval/administrators.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/verbs/rule.h"
#include "lib/stringinfo.h"
#include "model/built_in.h"
#include "model/condition_member.h"
#include "model/quorum.h"
#include "store/rule.h"
#include "store/tool.h"
#include "store/tool_definition.h"

/* The highest stage. */
#define STAGE_MAX 100

#define CONDITION_HINT \
	errhint("The proposal is $: $.tool, $.params, $.reason, $.actor and $.workflow.")

/* Refuse a condition that looks at nothing of a proposal, or at what no proposal has: 22023. */
static void
check_condition_members(JsonPath *condition)
{
	static const char *const known[] = {"tool", "params", "reason", "actor", "workflow"};
	ConditionMembers members;
	ListCell *cell;

	condition_find_members(condition, &members);
	if (members.first == NIL && !members.any_first)
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"condition\" looks at no member of the proposal"),
					   errdetail("It would be the same for all proposals."), CONDITION_HINT);
	foreach (cell, members.first)
	{
		bool found = false;

		for (int i = 0; i < (int) lengthof(known); i++)
			found = found || strcmp(lfirst(cell), known[i]) == 0;
		if (!found)
			report_invalid("wfo_argument_invalid",
						   errmsg("argument \"condition\" looks at member \"%s\", which no "
								  "proposal has",
								  (char *) lfirst(cell)),
						   errdetail("It could not be judged for any proposal."), CONDITION_HINT);
	}
}

static void
check_condition(JsonPath *condition)
{
	arg_check_condition_size(condition);
	if (condition_has_variables(condition))
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"condition\" must not have variables"), CONDITION_HINT);
	check_condition_members(condition);
}

static void
check_request(const RuleRequest *request)
{
	if (request->approvals < 0 || request->approvals > APPROVALS_MAX)
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"approvals\" must be between 0 and %d", APPROVALS_MAX),
					   errdetail("It is " INT64_FORMAT ".", request->approvals),
					   errhint("With 0 approvals, the rule approves every "
							   "matching proposal that no other rule covers."));
	if (request->stage < 1 || request->stage > STAGE_MAX)
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"stage\" must be between 1 and %d", STAGE_MAX),
					   errdetail("It is " INT64_FORMAT ".", request->stage),
					   errhint("A stage opens when the ones below it are complete."));
	if (request->approvals == 0 && (request->role != NULL || request->stage != 1))
		report_invalid("wfo_argument_invalid",
					   errmsg("a rule with 0 approvals cannot have a role or a stage"),
					   errhint("It approves every matching proposal that no other rule covers. To "
							   "remove a rule, use remove_approval_rule."));
	if (request->approvals > 0 && request->agents)
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"agents\" can be given only with 0 approvals"),
					   errhint("A rule that asks for approvals applies to agents as well."));
	if (request->condition != NULL)
		check_condition(request->condition);
}

/* Refuse a rule that would make a call of a built-in tool too easy, or impossible. */
static void
check_for_built_in(const RuleRequest *request)
{
	int64 needed = request->approvals + 1; /* one of them may propose the call */
	int64 there;

	if (request->approvals == 0)
		report_invalid(
			"wfo_argument_invalid",
			errmsg("a rule for tool \"%s\" cannot have 0 approvals", request->tool),
			errdetail("It is a built-in tool, whose calls are always approved by people."),
			errhint("Rules add to the approvals that such calls need."));
	(void) tool_require(request->tool);
	there = administrators_reviewers(request->role, needed);
	if (there < needed)
		report_wrong_state("wfo_lock_out", errmsg("too few people could give the approvals"),
						   errdetail("Needed: " INT64_FORMAT "; there: " INT64_FORMAT ".", needed,
									 there),
						   errhint("Register actors of kind human that are bound to roles with "
								   "LOGIN which hold review."));
}

/* Check the arguments of a rule and fill it in, except for its id. */
void
rule_check(const RuleRequest *request, Rule *rule)
{
	check_request(request);
	if (request->tool != NULL)
		(void) tool_require(request->tool);
	*rule = (Rule){
		.role = request->role,
		.approvals = request->approvals,
		.stage = request->stage,
		.tool = request->tool,
		.description = request->description,
		.agents = request->agents,
	};
	if (request->tool != NULL && built_in_is(request->tool))
		check_for_built_in(request);
	if (request->condition != NULL)
		rule->condition.path = condition_strict(request->condition);
}

static bool
role_has_actor(const char *role)
{
	ActorScan scan;
	const Actor *actor;
	bool found = false;

	actor_scan_begin(&scan, role);
	while (!found && (actor = actor_scan_next(&scan)) != NULL)
		found = actor->active;
	actor_scan_end(&scan);
	return found;
}

static bool
has_argument(const Definition *definition, const char *name)
{
	for (int i = 0; i < definition->nargs; i++)
		if (strcmp(definition->arg_names[i], name) == 0)
			return true;
	return false;
}

static char *
list_tool_arguments(const Definition *definition)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < definition->nargs; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "", definition->arg_names[i]);
	return list.data;
}

/* Warn of members of params that the rule's tool has not; whole params can have any. */
static void
warn_of_params(const Rule *rule)
{
	const Definition *definition = definition_find(tool_require(rule->tool));
	ConditionMembers members;
	ListCell *cell;

	if (definition == NULL || definition->whole_object)
		return;
	condition_find_members(rule->condition.path, &members);
	foreach (cell, members.params)
		if (!has_argument(definition, lfirst(cell)) &&
			!(built_in_is(rule->tool) && built_in_has_member(lfirst(cell))))
			ereport(WARNING,
					(errmsg("tool \"%s\" has no argument \"%s\"", rule->tool,
							(char *) lfirst(cell)),
					 errdetail("What the condition says of it cannot be judged for any call."),
					 definition->nargs > 0 ? errhint("The arguments of the tool are %s.",
													 list_tool_arguments(definition))
										   : errhint("The tool has no arguments.")));
}

/* Warn of what a rule does not mean, presumably. */
void
rule_warn(const Rule *rule)
{
	JsonPath *condition = rule->condition.path;

	if (rule->approvals == 0 && rule->tool == NULL && condition == NULL)
		ereport(WARNING, (errmsg("this rule approves every proposal that no other rule covers"),
						  errhint("Give the rule a tool or a condition.")));
	if (condition != NULL && condition_has_inner_filter(condition))
		ereport(WARNING, (errmsg("a filter inside the condition drops what it cannot judge"),
						  errdetail("If a member is missing, for example, the rule may take the "
									"condition for false."),
						  errhint("Compare without a filter, or add \"|| "
								  "(... is unknown)\" to the filter.")));
	if (rule->role != NULL && !role_has_actor(rule->role))
		ereport(WARNING, (errmsg("no active actor has the role \"%s\"", rule->role),
						  errdetail("Nobody can give the approvals that the rule asks for."),
						  errhint("Register an actor with this role, or give the rule the role "
								  "of an actor.")));
	if (condition != NULL && rule->tool != NULL)
		warn_of_params(rule);
}

/*
 * Add the definition that a tool has now to those that a rule holds for, unless a
 * protected policy asks for it to be confirmed.
 */
static void
add_definition(JsonObject *definitions, const char *name)
{
	const Tool *tool = tool_require(name);
	const Definition *definition = tool->built_in ? NULL : definition_find(tool);

	if (definition == NULL || (policy_load()->protected && !definition_is_confirmed(tool)))
		return;
	tool_definition_keep(definition->sha256, name, definition->json);
	json_add_text(definitions, name, sha256_hex(definition->sha256));
}

/* The definitions of now that a rule with 0 approvals holds for: of one tool, or of all (NULL). */
static Jsonb *
definitions_of(const char *tool)
{
	JsonObject definitions;
	ListCell *cell;

	json_object_begin(&definitions);
	if (tool != NULL)
	{
		definition_check_confirmed(tool_require(tool), policy_load());
		add_definition(&definitions, tool);
	}
	else
		foreach (cell, tool_list())
			add_definition(&definitions, lfirst(cell));
	return json_object_end(&definitions);
}

/* Add a rule: returns its id. */
int64
rule_add(const RuleRequest *request)
{
	Caller caller;
	Rule rule;

	rule_check(request, &rule);
	caller_identify(&caller);
	protection_check(&caller, "add_approval_rule");
	rule_warn(&rule);
	if (rule.approvals == 0)
		rule.definitions = definitions_of(rule.tool);
	return rule_insert(&rule, caller_bound_actor(&caller));
}

/* Remove a rule.  Proposals made and edited from then on no longer follow it. */
void
rule_drop(int64 rule_id)
{
	Caller caller;
	Rule *rule;

	caller_identify(&caller);
	protection_check(&caller, "remove_approval_rule");
	rule = rule_lock(rule_id);
	if (rule == NULL)
		report_unknown("wfo_unknown_rule",
					   errmsg("approval rule " INT64_FORMAT " does not exist", rule_id),
					   errhint("The table workflow_orch.approval_rule lists the rules."));
	if (rule->removed)
		report_wrong_state("wfo_rule_removed",
						   errmsg("approval rule " INT64_FORMAT " has already been removed",
								  rule_id),
						   errhint("Add a new rule with add_approval_rule."));
	rule_remove(rule, caller_bound_actor(&caller));
}
