/*
 * rule.c
 *	  SQL functions about approval rules.
 *
 * It reads the arguments of the calls and calls the engine; it checks nothing but
 * the arguments themselves.
 */
#include "postgres.h"

#include "api/result_row.h"
#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/explain.h"
#include "engine/verbs/rule.h"
#include "engine/verbs/rule_test.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(wfo_add_approval_rule);
PG_FUNCTION_INFO_V1(wfo_remove_approval_rule);
PG_FUNCTION_INFO_V1(wfo_check_approval_rule);
PG_FUNCTION_INFO_V1(wfo_approval_rule_effect);
PG_FUNCTION_INFO_V1(wfo_explain_approval);

/* The arguments of a rule, from the first one on, except its description. */
static void
read_rule(FunctionCallInfo fcinfo, int first, RuleRequest *request)
{
	*request = (RuleRequest){0};
	request->role = arg_key_or_null(fcinfo, first, "role");
	request->approvals = arg_int64(fcinfo, first + 1, "approvals");
	request->stage = arg_int64(fcinfo, first + 2, "stage");
	request->tool = arg_key_or_null(fcinfo, first + 3, "tool");
	request->condition = arg_jsonpath_or_null(fcinfo, first + 4, "condition");
}

Datum
wfo_add_approval_rule(PG_FUNCTION_ARGS)
{
	RuleRequest request;

	call_begin("add_approval_rule");
	read_rule(fcinfo, 0, &request);
	request.description = arg_text_or_null(fcinfo, 5, "description");
	request.agents = arg_bool(fcinfo, 6, "agents");
	PG_RETURN_INT64(rule_add(&request));
}

Datum
wfo_remove_approval_rule(PG_FUNCTION_ARGS)
{
	call_begin("remove_approval_rule");
	rule_drop(arg_int64(fcinfo, 0, "rule_id"));
	PG_RETURN_VOID();
}

Datum
wfo_check_approval_rule(PG_FUNCTION_ARGS)
{
	RuleRequest request;
	Rule rule;

	call_begin_read("check_approval_rule");
	read_rule(fcinfo, 0, &request);
	request.agents = arg_bool(fcinfo, 5, "agents");
	rule_check(&request, &rule);
	rule_warn(&rule);
	PG_RETURN_BOOL(true);
}

static bool
rule_is_stable(FunctionCallInfo fcinfo)
{
	for (int i = 1; i <= 6; i++)
		if (!get_fn_expr_arg_stable(fcinfo->flinfo, i))
			return false;
	return true;
}

/* The rule to test.  If it is the same for all rows, it is kept for the query. */
static const Rule *
rule_to_test(FunctionCallInfo fcinfo)
{
	Rule *rule = fcinfo->flinfo->fn_extra;
	RuleRequest request;
	MemoryContext old;

	if (rule != NULL)
		return rule;
	call_begin_read("approval_rule_effect");
	old = MemoryContextSwitchTo(rule_is_stable(fcinfo) ? fcinfo->flinfo->fn_mcxt
													   : CurrentMemoryContext);
	read_rule(fcinfo, 1, &request);
	request.agents = arg_bool(fcinfo, 6, "agents");
	rule = palloc(sizeof(Rule));
	rule_check(&request, rule);
	rule->condition = condition_prepare(rule->condition.path);
	MemoryContextSwitchTo(old);
	if (rule_is_stable(fcinfo))
		fcinfo->flinfo->fn_extra = rule;
	return rule;
}

Datum
wfo_approval_rule_effect(PG_FUNCTION_ARGS)
{
	const Rule *rule = rule_to_test(fcinfo);
	RuleEffect effect;
	Datum values[2];

	if (!rule_find_effect(rule, arg_int64(fcinfo, 0, "proposal_id"), &effect))
		PG_RETURN_NULL();
	values[0] = CStringGetTextDatum(effect.needed);
	values[1] = CStringGetTextDatum(effect.would_need);
	return result_row(fcinfo, values, NULL);
}

Datum
wfo_explain_approval(PG_FUNCTION_ARGS)
{
	ExplainRequest request;

	call_begin_read("explain_approval");
	request.tool = arg_key(fcinfo, 0, "tool");
	request.params = arg_jsonb_object(fcinfo, 1, "params");
	request.actor_id = arg_int64_or_null(fcinfo, 2);
	request.workflow_id = arg_int64_or_null(fcinfo, 3);
	arg_require(fcinfo, 4, "reason");
	request.reason = arg_text_or_null(fcinfo, 4, "reason");
	PG_RETURN_JSONB_P(explain(&request));
}
