/*
 * proposal.c
 *	  SQL functions about proposals: propose, review, revise, comment, preview, withdraw, retry, expire.
 *
 * It reads the arguments of the calls, those of batches with base/json_args.c,
 * and calls engine/verbs.  It decides nothing.
 */
#include "postgres.h"

#include "api/result_row.h"
#include "base/args.h"
#include "base/errors.h"
#include "base/json_args.h"
#include "engine/call.h"
#include "engine/tool/row_limit.h"
#include "engine/verbs/comment.h"
#include "engine/verbs/lifecycle.h"
#include "engine/verbs/preview.h"
#include "engine/verbs/propose.h"
#include "engine/verbs/review.h"
#include "engine/verbs/review_many.h"
#include "engine/verbs/revise.h"
#include "engine/verbs/revoke.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_propose_action);
PG_FUNCTION_INFO_V1(wfo_review_action);
PG_FUNCTION_INFO_V1(wfo_review_actions);
PG_FUNCTION_INFO_V1(wfo_comment_proposal);
PG_FUNCTION_INFO_V1(wfo_preview_action);
PG_FUNCTION_INFO_V1(wfo_revoke_approval);
PG_FUNCTION_INFO_V1(wfo_revise_proposal);
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
	request.execute_on_approval = arg_bool(fcinfo, 6, "execute_on_approval");
	values[0] = Int64GetDatum(propose(&request, &status));
	values[1] = enum_to_datum(&proposal_status_type, status);
	return result_row(fcinfo, values, NULL);
}

static ReviewDecision
parse_decision(const char *label)
{
	int decision = enum_parse(&review_decision_type, label);

	if (decision < 0)
		report_invalid("wfo_unknown_label", errmsg("unknown decision \"%s\"", label),
					   errhint("Decisions are %s.", enum_list(&review_decision_type)));
	return decision;
}

/* Refuse a limit on rows with a decision that lets nothing run, and a limit below zero: 22023. */
static void
check_max_rows(const ReviewRequest *request, const char *decision)
{
	if (request->decision != DECISION_APPROVE && request->decision != DECISION_EDIT)
		report_invalid("wfo_argument_invalid",
					   errmsg("max_rows can be given only with the decisions \"approve\" and "
							  "\"edit\""),
					   errdetail("The decision is %s.", decision));
	row_limit_check_argument(*request->max_rows);
}

Datum
wfo_review_action(PG_FUNCTION_ARGS)
{
	ReviewRequest request;
	char *label;
	Jsonb *final_tool_call;
	Datum values[2];

	call_begin("review_action");
	request.proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	request.reviewer_id = arg_int64_or_null(fcinfo, 1);
	label = arg_text(fcinfo, 2, "decision");
	request.decision = parse_decision(label);
	if (request.decision == DECISION_EDIT)
		request.edits = arg_jsonb_object(fcinfo, 3, "edits");
	else if (!PG_ARGISNULL(3))
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"edits\" can be given only with the decision \"edit\""),
					   errdetail("The decision is %s.", label));
	else
		request.edits = NULL;
	request.comment = request.decision == DECISION_REQUEST_CHANGES
						  ? arg_text(fcinfo, 4, "comment")
						  : arg_text_or_null(fcinfo, 4, "comment");
	request.expected_revision = arg_int64_or_null(fcinfo, 5);
	request.preview_id = arg_int64_or_null(fcinfo, 6);
	request.max_rows = arg_int64_or_null(fcinfo, 7);
	if (request.max_rows != NULL)
		check_max_rows(&request, label);
	values[0] = enum_to_datum(&proposal_status_type, review(&request, &final_tool_call));
	values[1] = JsonbPGetDatum(final_tool_call);
	return result_row(fcinfo, values, NULL);
}

/* One element of the reviews of review_actions. */
static void
read_review(const JsonArgs *args, ReviewRequest *request)
{
	static const char *const keys[] = {"proposal_id", "reviewer_id", "decision",
									   "edits",       "comment",     "expected_revision",
									   "preview_id",  "max_rows",    NULL};
	char *label;

	json_args_check_keys(args, keys);
	request->proposal_id = json_args_int64(args, "proposal_id");
	request->reviewer_id = json_args_int64_or_null(args, "reviewer_id");
	label = json_args_text(args, "decision");
	request->decision = parse_decision(label);
	request->edits = json_args_object_or_null(args, "edits");
	if ((request->decision == DECISION_EDIT) != (request->edits != NULL))
		report_invalid("wfo_argument_invalid", errmsg("member \"edits\" of element %d of argument "
													  "\"%s\" must be given with the decision "
													  "\"edit\" and only with it",
													  args->index, args->argument));
	request->comment = request->decision == DECISION_REQUEST_CHANGES
						   ? json_args_text(args, "comment")
						   : json_args_text_or_null(args, "comment");
	request->expected_revision = json_args_int64_or_null(args, "expected_revision");
	request->preview_id = json_args_int64_or_null(args, "preview_id");
	request->max_rows = json_args_int64_or_null(args, "max_rows");
	if (request->max_rows != NULL)
		check_max_rows(request, label);
}

Datum
wfo_review_actions(PG_FUNCTION_ARGS)
{
	ReviewRequest *requests;
	JsonArgs args = {.argument = "reviews"};
	Jsonb **elements;
	int count;

	call_begin("review_actions");
	arg_require(fcinfo, 0, "reviews");
	elements = json_args_elements(&args, PG_GETARG_JSONB_P(0), &count);
	requests = palloc0(sizeof(ReviewRequest) * Max(count, 1));
	for (args.index = 0; args.index < count; args.index++)
	{
		args.object = elements[args.index];
		read_review(&args, &requests[args.index]);
	}
	PG_RETURN_JSONB_P(review_many(requests, count));
}

Datum
wfo_comment_proposal(PG_FUNCTION_ARGS)
{
	int64 proposal_id;
	int64 *actor_id;

	call_begin("comment_proposal");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	actor_id = arg_int64_or_null(fcinfo, 1);
	PG_RETURN_INT64(proposal_comment(proposal_id, actor_id, arg_text(fcinfo, 2, "comment")));
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
wfo_revise_proposal(PG_FUNCTION_ARGS)
{
	ReviseRequest request;
	int64 revision;
	Datum values[2];

	call_begin("revise_proposal");
	request.proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	request.actor_id = arg_int64_or_null(fcinfo, 1);
	request.params = arg_jsonb_object(fcinfo, 2, "params");
	request.reason = PG_ARGISNULL(3) ? NULL : arg_text(fcinfo, 3, "reason");
	request.expected_revision = arg_int64_or_null(fcinfo, 4);
	values[0] = enum_to_datum(&proposal_status_type, revise(&request, &revision));
	values[1] = Int64GetDatum(revision);
	return result_row(fcinfo, values, NULL);
}

Datum
wfo_revoke_approval(PG_FUNCTION_ARGS)
{
	int64 proposal_id;

	call_begin("revoke_approval");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	return enum_to_datum(&proposal_status_type,
						 approval_revoke(proposal_id, arg_int64_or_null(fcinfo, 1),
										 arg_text_or_null(fcinfo, 2, "reason")));
}

Datum
wfo_withdraw_proposal(PG_FUNCTION_ARGS)
{
	int64 proposal_id;

	call_begin("withdraw_proposal");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	return enum_to_datum(&proposal_status_type,
						 proposal_withdraw(proposal_id, arg_int64_or_null(fcinfo, 1),
										   arg_text_or_null(fcinfo, 2, "reason")));
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
	PG_RETURN_INT64(proposals_expire(PG_INT32_MAX));
}
