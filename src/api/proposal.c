/*
 * proposal.c
 *	  SQL functions about proposals: propose, review, preview, withdraw, retry, expire.
 */
#include "postgres.h"

#include "api/result_row.h"
#include "base/args.h"
#include "base/errors.h"
#include "engine/call.h"
#include "engine/verbs.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_propose_action);
PG_FUNCTION_INFO_V1(wfo_review_action);
PG_FUNCTION_INFO_V1(wfo_preview_action);
PG_FUNCTION_INFO_V1(wfo_withdraw_proposal);
PG_FUNCTION_INFO_V1(wfo_retry_action);
PG_FUNCTION_INFO_V1(wfo_expire_proposals);

Datum
wfo_propose_action(PG_FUNCTION_ARGS)
{
	ProposeRequest request;
	ProposalStatus status;
	Datum values[2];

	call_begin_in_tool("propose_action");
	request.workflow_id = arg_int64(fcinfo, 0, "workflow_id");
	request.actor_id = arg_int64_or_null(fcinfo, 1);
	request.tool = arg_key(fcinfo, 2, "tool");
	request.params = arg_jsonb_object(fcinfo, 3, "params");
	request.reason = arg_text(fcinfo, 4, "reason");
	request.idempotency_key = arg_key_or_null(fcinfo, 5, "idempotency_key");
	values[0] = Int64GetDatum(propose(&request, &status));
	values[1] = enum_to_datum(&proposal_status_type, status);
	return result_row(fcinfo, values, NULL);
}

Datum
wfo_review_action(PG_FUNCTION_ARGS)
{
	ReviewRequest request;
	char *label;
	int decision;
	Jsonb *final_tool_call;
	Datum values[2];

	call_begin("review_action");
	request.proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	request.reviewer_id = arg_int64_or_null(fcinfo, 1);
	label = arg_text(fcinfo, 2, "decision");
	decision = enum_parse(&review_decision_type, label);
	if (decision < 0)
		report_invalid(errmsg("unknown decision \"%s\"", label),
					   errhint("Decisions are %s.", enum_list(&review_decision_type)));
	request.decision = decision;
	if (request.decision == DECISION_EDIT)
		request.edits = arg_jsonb_object(fcinfo, 3, "edits");
	else if (!PG_ARGISNULL(3))
		report_invalid(errmsg("argument \"edits\" goes with the decision edit only"),
					   errdetail("The decision is %s.", label));
	else
		request.edits = NULL;
	request.comment = arg_text_or_null(fcinfo, 4);
	request.expected_revision = arg_int64_or_null(fcinfo, 5);
	request.preview_id = arg_int64_or_null(fcinfo, 6);
	values[0] = enum_to_datum(&proposal_status_type, review(&request, &final_tool_call));
	values[1] = JsonbPGetDatum(final_tool_call);
	return result_row(fcinfo, values, NULL);
}

Datum
wfo_preview_action(PG_FUNCTION_ARGS)
{
	int64 proposal_id;

	call_begin("preview_action");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	PG_RETURN_JSONB_P(preview(proposal_id, arg_int64_or_null(fcinfo, 1)));
}

Datum
wfo_withdraw_proposal(PG_FUNCTION_ARGS)
{
	int64 proposal_id;

	call_begin("withdraw_proposal");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	return enum_to_datum(&proposal_status_type,
						 proposal_withdraw(proposal_id, arg_int64_or_null(fcinfo, 1),
										   arg_text_or_null(fcinfo, 2)));
}

Datum
wfo_retry_action(PG_FUNCTION_ARGS)
{
	int64 proposal_id;

	call_begin("retry_action");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	return enum_to_datum(&proposal_status_type,
						 proposal_retry(proposal_id, arg_int64_or_null(fcinfo, 1)));
}

Datum
wfo_expire_proposals(PG_FUNCTION_ARGS)
{
	call_begin("expire_proposals");
	PG_RETURN_INT64(proposals_expire());
}
