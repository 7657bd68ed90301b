/*
 * rule.c
 *	  Adds and removes approval rules.
 *
 * It owns the checks and the writing of rules.  A rule that is removed stays in
 * the table, since revisions refer to it.  What rules mean for a revision is
 * requirement.c's business.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/identity/caller.h"
#include "engine/state.h"
#include "engine/verbs/rule.h"
#include "model/quorum.h"
#include "store/rule.h"

/* The highest stage. */
#define STAGE_MAX 100

/* Longest condition, in bytes as it is stored. */
#define CONDITION_MAX 8192

static void
check_condition(const JsonPath *condition)
{
	if (VARSIZE(condition) > CONDITION_MAX)
		report_limit("wfo_argument_too_long", errmsg("argument \"condition\" is too long"),
					 errdetail("It has %u bytes; the limit is %d.", (unsigned) VARSIZE(condition),
							   CONDITION_MAX),
					 errhint("Use several rules."));
	if (condition_has_variables(condition))
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"condition\" must not have variables"),
					   errhint("The proposal is $: $.tool, $.params, $.reason, $.actor and "
							   "$.workflow."));
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

/* Add a rule: returns its id. */
int64
rule_add(const RuleRequest *request)
{
	Caller caller;
	Rule rule = {
		.role = request->role,
		.approvals = request->approvals,
		.stage = request->stage,
		.tool = request->tool,
		.description = request->description,
		.agents = request->agents,
	};

	check_request(request);
	if (request->tool != NULL)
		(void) tool_require(request->tool);
	if (request->condition != NULL)
		rule.condition.path = condition_strict(request->condition);
	if (rule.approvals == 0 && rule.tool == NULL && rule.condition.path == NULL)
		ereport(WARNING, (errmsg("this rule approves every proposal that no other rule covers"),
						  errhint("Give the rule a tool or a condition.")));
	if (rule.condition.path != NULL && condition_has_inner_filter(rule.condition.path))
		ereport(WARNING, (errmsg("a filter inside the condition drops what it cannot judge"),
						  errdetail("If a member is missing, for example, the rule may take the "
									"condition for false."),
						  errhint("Compare without a filter, or add \"|| "
								  "(... is unknown)\" to the filter.")));

	caller_identify(&caller);
	return rule_insert(&rule, caller_bound_actor(&caller));
}

/* Remove a rule.  Proposals made and edited from then on no longer follow it. */
void
rule_drop(int64 rule_id)
{
	Caller caller;
	Rule *rule = rule_lock(rule_id);

	if (rule == NULL)
		report_unknown("wfo_unknown_rule",
					   errmsg("approval rule " INT64_FORMAT " does not exist", rule_id),
					   errhint("The table workflow_orch.approval_rule lists the rules."));
	if (rule->removed)
		report_wrong_state("wfo_rule_removed",
						   errmsg("approval rule " INT64_FORMAT " has already been removed",
								  rule_id),
						   errhint("Add a new rule with add_approval_rule."));
	caller_identify(&caller);
	rule_remove(rule, caller_bound_actor(&caller));
}
