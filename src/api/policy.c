/*
 * policy.c
 *	  SQL functions of administrators: the policy and capabilities.
 *
 * It reads the arguments of the calls and calls engine/verbs/policy.c and
 * grant.c; it checks nothing but the arguments themselves.
 */
#include "postgres.h"

#include "api/result_row.h"
#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/grant.h"
#include "engine/verbs/policy.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_set_policy);
PG_FUNCTION_INFO_V1(wfo_grant_capability);
PG_FUNCTION_INFO_V1(wfo_revoke_capability);
PG_FUNCTION_INFO_V1(wfo_is_gateway);

Datum
wfo_set_policy(PG_FUNCTION_ARGS)
{
	PolicyRequest request;
	Policy policy;
	Datum values[9];

	call_begin("set_policy");
	request.dry_run = arg_bool_or_null(fcinfo, 0);
	request.default_approvals = arg_int64_or_null(fcinfo, 1);
	request.edit_needs_approval = arg_bool_or_null(fcinfo, 2);
	request.agents_may_review = arg_bool_or_null(fcinfo, 3);
	request.proposal_ttl = arg_interval_or_null(fcinfo, 4, "proposal_ttl");
	request.approval_ttl = arg_interval_or_null(fcinfo, 5, "approval_ttl");
	request.default_timeout = arg_interval_or_null(fcinfo, 6, "default_timeout");
	request.notify = arg_bool_or_null(fcinfo, 7);
	request.protected = arg_bool_or_null(fcinfo, 8);
	policy_set(&request, &policy);

	values[0] = BoolGetDatum(policy.dry_run);
	values[1] = Int64GetDatum(policy.default_approvals);
	values[2] = BoolGetDatum(policy.edit_needs_approval);
	values[3] = BoolGetDatum(policy.agents_may_review);
	values[4] = IntervalPGetDatum(&policy.proposal_ttl);
	values[5] = IntervalPGetDatum(&policy.approval_ttl);
	values[6] = IntervalPGetDatum(&policy.default_timeout);
	values[7] = BoolGetDatum(policy.notify);
	values[8] = BoolGetDatum(policy.protected);
	return result_row(fcinfo, values, NULL);
}

Datum
wfo_grant_capability(PG_FUNCTION_ARGS)
{
	Oid role;

	call_begin("grant_capability");
	role = arg_role(fcinfo, 0, "db_role");
	capability_grant(role, arg_text(fcinfo, 1, "capability"));
	PG_RETURN_VOID();
}

Datum
wfo_revoke_capability(PG_FUNCTION_ARGS)
{
	Oid role;

	call_begin("revoke_capability");
	role = arg_role(fcinfo, 0, "db_role");
	capability_revoke(role, arg_text(fcinfo, 1, "capability"));
	PG_RETURN_VOID();
}

/* EXECUTE on this function is the capability "gateway": a role that can call it is a gateway. */
Datum
wfo_is_gateway(PG_FUNCTION_ARGS)
{
	call_begin_read("is_gateway");
	(void) fcinfo;
	PG_RETURN_BOOL(true);
}
