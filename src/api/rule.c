/*
 * rule.c
 *	  SQL functions about approval rules.
 *
 * It reads the arguments of the calls and calls engine/verbs/rule.c; it checks
 * nothing but the arguments themselves.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/rule.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_add_approval_rule);
PG_FUNCTION_INFO_V1(wfo_remove_approval_rule);

Datum
wfo_add_approval_rule(PG_FUNCTION_ARGS)
{
	RuleRequest request;

	call_begin("add_approval_rule");
	request.role = arg_key_or_null(fcinfo, 0, "role");
	request.approvals = arg_int64(fcinfo, 1, "approvals");
	request.stage = arg_int64(fcinfo, 2, "stage");
	request.tool = arg_key_or_null(fcinfo, 3, "tool");
	request.condition = arg_jsonpath_or_null(fcinfo, 4, "condition");
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
