/*
 * retention.c
 *	  SQL functions about what is kept, redacted and purged.
 *
 * It reads the arguments of the calls and calls the engine; it checks nothing but
 * the arguments themselves.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/hold.h"
#include "engine/verbs/purge.h"
#include "engine/verbs/redact.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_hold_workflow);
PG_FUNCTION_INFO_V1(wfo_release_hold);
PG_FUNCTION_INFO_V1(wfo_redact_proposal);
PG_FUNCTION_INFO_V1(wfo_redact_actor);
PG_FUNCTION_INFO_V1(wfo_reapply_redactions);
PG_FUNCTION_INFO_V1(wfo_purge_workflows);

Datum
wfo_hold_workflow(PG_FUNCTION_ARGS)
{
	int64 workflow_id;
	int64 *actor_id;

	call_begin("hold_workflow");
	workflow_id = arg_int64(fcinfo, 0, "workflow_id");
	actor_id = arg_int64_or_null(fcinfo, 1);
	PG_RETURN_INT64(hold_set(workflow_id, actor_id, arg_text(fcinfo, 2, "reason")));
}

Datum
wfo_release_hold(PG_FUNCTION_ARGS)
{
	int64 workflow_id;
	int64 *actor_id;

	call_begin("release_hold");
	workflow_id = arg_int64(fcinfo, 0, "workflow_id");
	actor_id = arg_int64_or_null(fcinfo, 1);
	hold_release(workflow_id, actor_id, arg_text(fcinfo, 2, "reason"));
	PG_RETURN_VOID();
}

Datum
wfo_redact_proposal(PG_FUNCTION_ARGS)
{
	int64 proposal_id;
	int64 *actor_id;

	call_begin("redact_proposal");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	actor_id = arg_int64_or_null(fcinfo, 1);
	proposal_redact(proposal_id, actor_id, arg_text(fcinfo, 2, "reason"));
	PG_RETURN_VOID();
}

Datum
wfo_redact_actor(PG_FUNCTION_ARGS)
{
	int64 actor_id;
	int64 *by_actor_id;

	call_begin("redact_actor");
	actor_id = arg_int64(fcinfo, 0, "actor_id");
	by_actor_id = arg_int64_or_null(fcinfo, 1);
	actor_redact(actor_id, by_actor_id, arg_text(fcinfo, 2, "reason"));
	PG_RETURN_VOID();
}

Datum
wfo_reapply_redactions(pg_attribute_unused() PG_FUNCTION_ARGS)
{
	call_begin("reapply_redactions");
	PG_RETURN_INT64(redactions_reapply());
}

Datum
wfo_purge_workflows(PG_FUNCTION_ARGS)
{
	TimestampTz ended_before;
	int64 *actor_id;
	char *reason;

	call_begin("purge_workflows");
	ended_before = arg_time(fcinfo, 0, "ended_before");
	actor_id = arg_int64_or_null(fcinfo, 1);
	reason = arg_text(fcinfo, 2, "reason");
	PG_RETURN_INT64(workflows_purge(ended_before, actor_id, reason, arg_int64(fcinfo, 3, "batch")));
}
