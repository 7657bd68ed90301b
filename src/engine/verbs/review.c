/*
 * review.c
 *	  Approves, rejects and edits proposals.
 *
 * It owns decisions.  The proposal is locked first, so decisions on one
 * proposal come one after the other and each sees those before it. vote.c
 * counts reviews, and new_revision.c makes the revision of an edit.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "engine/approval/change_request.h"
#include "engine/approval/new_revision.h"
#include "engine/approval/requirement.h"
#include "engine/approval/reviewer.h"
#include "engine/approval/standing.h"
#include "engine/approval/vote.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/run/queued.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/tool/result.h"
#include "engine/tool/row_limit.h"
#include "engine/verbs/call_params.h"
#include "engine/verbs/enqueue.h"
#include "engine/verbs/review.h"
#include "model/built_in.h"
#include "store/preview.h"
#include "store/proposal.h"
#include "store/review.h"
#include "store/revision.h"
#include "store/table.h"

/* What a decision is made on. */
typedef struct ReviewContext
{
	const ReviewRequest *request;
	Caller caller;
	const Actor *reviewer;
	Voter voter;
	const Policy *policy;
	Proposal *proposal;
	const Tool *tool;
	const Preview *preview; /* attached; NULL: none */
	Votes votes;            /* before the decision */
	ReviewSlot slot;        /* in which role it is made */
	bool counts;            /* as an approval of the revision that it leads to */
} ReviewContext;

/* The preview that the reviewer attaches, or NULL. */
static const Preview *
load_preview(const ReviewRequest *request)
{
	Preview *preview;

	if (request->preview_id == NULL)
		return NULL;
	preview = preview_load(*request->preview_id);
	if (preview == NULL)
		report_unknown("wfo_unknown_preview",
					   errmsg("preview " INT64_FORMAT " does not exist", *request->preview_id),
					   errhint("Make a preview with preview_action."));
	return preview;
}

static void
check_preview_state(const ReviewContext *context)
{
	const Preview *preview = context->preview;
	const Proposal *proposal = context->proposal;

	if (preview == NULL)
		return;
	if (preview->proposal_id != proposal->proposal_id || preview->revision != proposal->revision)
		report_wrong_state("wfo_preview_outdated",
						   errmsg("preview " INT64_FORMAT " does not show revision " INT64_FORMAT
								  " of proposal " INT64_FORMAT,
								  preview->preview_id, proposal->revision, proposal->proposal_id),
						   errdetail("It shows revision " INT64_FORMAT " of proposal " INT64_FORMAT
									 ".",
									 preview->revision, preview->proposal_id),
						   errhint("Preview the current revision and decide on that."));
}

static void
check_preview_identity(const ReviewContext *context)
{
	const Preview *preview = context->preview;

	if (preview == NULL ||
		(preview->actor_id != NULL && *preview->actor_id == context->reviewer->actor_id))
		return;
	report_denied("wfo_not_yours",
				  errmsg("preview " INT64_FORMAT " was not made by actor " INT64_FORMAT,
						 preview->preview_id, context->reviewer->actor_id),
				  preview->actor_id != NULL
					  ? errdetail("Actor " INT64_FORMAT " made it.", *preview->actor_id)
					  : errdetail("It was made for no actor."),
				  errhint("Make your own preview with preview_action."));
}

/* Nobody approves a later revision without saying which one they have seen: 22023. */
static void
check_revision_is_named(const ReviewRequest *request, const Proposal *proposal)
{
	if (proposal->revision == 1 || request->expected_revision != NULL ||
		(request->decision != DECISION_APPROVE && request->decision != DECISION_EDIT))
		return;
	report_invalid(
		"wfo_argument_null",
		errmsg("argument \"expected_revision\" must not be null for proposal " INT64_FORMAT,
			   proposal->proposal_id),
		errdetail("It is in revision " INT64_FORMAT ".", proposal->revision),
		errhint("Read the current revision and give its number."));
}

/* Whether the decision would take the proposal further with its wording of now. */
static bool
takes_wording(const ReviewRequest *request)
{
	return request->decision == DECISION_APPROVE ||
		   (request->decision == DECISION_EDIT && JB_ROOT_COUNT(request->edits) == 0);
}

/* Refuse to approve a wording that somebody else wants changed. */
static void
check_not_requested(const ReviewContext *context)
{
	const Review *request = voter_blocker(&context->voter, &context->votes);

	if (request == NULL || !takes_wording(context->request))
		return;
	report_wrong_state(
		"wfo_changes_requested",
		errmsg("changes of proposal " INT64_FORMAT " were requested",
			   context->proposal->proposal_id),
		errdetail("Actor " INT64_FORMAT " requested them in revision " INT64_FORMAT ".",
				  request->reviewer.actor_id, request->revision),
		errhint("The proposer can make them with revise_proposal, a reviewer with an "
				"edit. The actor who requested them can decide, or take the request "
				"back with revoke_approval."));
}

static void
check_reviewable(const ReviewContext *context)
{
	const ReviewRequest *request = context->request;
	const Proposal *proposal = context->proposal;
	ProposalStatus now = proposal_status_now(proposal);

	if (request->decision == DECISION_EDIT)
	{
		if (now != PROPOSAL_PENDING && now != PROPOSAL_APPROVED)
			proposal_report_state(proposal, "wfo_not_open", "pending or approved",
								  "Only a pending or approved proposal can "
								  "be edited. Propose the call again.");
	}
	else if (now != PROPOSAL_PENDING)
		proposal_report_state(proposal, "wfo_not_pending", "pending",
							  now == PROPOSAL_APPROVED ? "It has its approvals. Execute it, edit "
														 "it or have it withdrawn."
													   : "Its status is final, or can be left only "
														 "with retry_action: see transitions().");
	check_revision_is_named(request, proposal);
	proposal_check_revision(proposal, request->expected_revision);
	check_preview_state(context);
	if (request->decision != DECISION_EDIT)
		definition_check_pinned(context->tool, definition_load(context->tool), proposal->definition,
								proposal->proposal_id);
	check_not_requested(context);
}

static void
check_reviewer(const ReviewContext *context)
{
	const Proposal *proposal = context->proposal;
	ReviewDecision decision = context->request->decision;

	caller_check_acts_as(&context->caller, context->reviewer);
	if (built_in_is_administrative(context->tool->tool))
		protection_check_person(&context->caller, context->reviewer);
	if (built_in_is_standing(context->tool->tool))
		standing_check_holder(&context->voter.person, proposal->params, proposal->proposal_id);
	reviewer_check_kind(context->reviewer, context->policy);
	if (reviewer_is_proposer(&context->voter.person, proposal) &&
		(decision == DECISION_EDIT || !proposal->proposer_may_review))
		reviewer_report_own(&context->voter.person, proposal, ACT_REVIEW);
	check_preview_identity(context);
	if (decision == DECISION_APPROVE &&
		voter_is_author_without_vote(&context->voter, &context->votes))
		report_denied("wfo_own_revision",
					  errmsg("nobody may approve their own revision " INT64_FORMAT
							 " of proposal " INT64_FORMAT,
							 proposal->revision, proposal->proposal_id),
					  errhint("Somebody else must approve the edit."));
}

static void
check_second_review(const ReviewContext *context)
{
	const Review *review;

	if (context->request->decision == DECISION_EDIT)
		return;
	review = voter_review(&context->voter, &context->votes);
	if (review == NULL && context->request->decision == DECISION_REQUEST_CHANGES)
		review = voter_request(&context->voter, &context->votes);
	if (review != NULL)
		report_duplicate("wfo_already_reviewed",
						 errmsg("actor " INT64_FORMAT " has already reviewed revision " INT64_FORMAT
								" of proposal " INT64_FORMAT,
								context->reviewer->actor_id, context->proposal->revision,
								context->proposal->proposal_id),
						 errdetail("The decision was: %s.",
								   enum_label(&review_decision_type, review->decision)),
						 errhint("Somebody else must review it too, or it can be edited."));
}

static void
report_no_slot(const ReviewContext *context, int64 stage)
{
	const Votes *votes = &context->votes;
	const char *wanted = requirement_describe(&votes->quorum, stage);

	report_denied("wfo_no_slot",
				  errmsg("a decision by actor " INT64_FORMAT
						 " fills no slot of proposal " INT64_FORMAT,
						 context->reviewer->actor_id, context->proposal->proposal_id),
				  stage != 0
					  ? errdetail("The actor has the role \"%s\". The open stage " INT64_FORMAT
								  " asks for approvals: %s.",
								  context->reviewer->role, stage, wanted)
					  : errdetail("The actor has the role \"%s\". The proposal asks for "
								  "approvals: %s.",
								  context->reviewer->role, wanted),
				  errhint("Somebody else must review it."));
}

/*
 * Report an edit by a reviewer who may not administer: 42501.  The proposer may
 * approve what somebody else has edited, and would be the only administrator.
 */
static void
report_editor_must_administer(const ReviewContext *context)
{
	report_denied("wfo_no_slot",
				  errmsg("actor " INT64_FORMAT " may not edit proposal " INT64_FORMAT,
						 context->reviewer->actor_id, context->proposal->proposal_id),
				  errdetail("Calls of built-in tools are edited by reviewers who hold the "
							"capability \"administer\"."),
				  errhint("Request changes, or let somebody else edit the proposal."));
}

/* Report that the same person has approved as another actor, and by which mark: 42501. */
static void
report_has_approved(const ReviewContext *context)
{
	const Votes *votes = &context->votes;
	const Person *person = &context->voter.person;
	const Person *approver = &votes->approvers[0];

	for (int i = 0; i < votes->napprovals; i++)
		if (reviewer_is_actor(person, &votes->approvers[i]))
			approver = &votes->approvers[i];
	report_denied("wfo_no_slot",
				  errmsg("an approval by actor " INT64_FORMAT " would not count",
						 context->reviewer->actor_id),
				  errdetail("The same person has approved proposal " INT64_FORMAT
							" as another actor.%s",
							context->proposal->proposal_id,
							reviewer_describe_mark(person, approver)),
				  errhint("Somebody else must approve it too.%s",
						  reviewer_describe_way_out(person, approver)));
}

/* Find the slot that the decision fills, or would fill: 42501 where there is none. */
static void
find_slot(ReviewContext *context)
{
	const Votes *votes = &context->votes;

	switch (context->request->decision)
	{
		case DECISION_APPROVE:
			if (voter_has_approved(&context->voter, votes))
				report_has_approved(context);
			if (!voter_find_slot(&context->voter, votes, &context->slot))
				report_no_slot(context, votes->open_stage);
			break;
		case DECISION_EDIT:
			if (!voter_find_slot_of_edit(&context->voter, votes, &context->slot))
				report_no_slot(context, votes->open_stage);
			if (built_in_is_administrative(context->tool->tool) && !context->slot.administers)
				report_editor_must_administer(context);
			break;
		case DECISION_REJECT:
		case DECISION_REQUEST_CHANGES:
			if (!voter_fits(&context->voter, votes, &votes->quorum, &context->slot))
				report_no_slot(context, 0);
			break;
	}
}

/* Write the decision, then the change of the proposal. */
static void
write_decision(ReviewContext *context, StoreRow *row, int64 revision, Event event,
			   ProposalStatus status)
{
	const ReviewRequest *request = context->request;

	review_insert(&(Review){
		.proposal_id = context->proposal->proposal_id,
		.proposed_by = context->proposal->actor_id,
		.workflow_id = context->proposal->workflow_id,
		.revision = revision,
		.reviewer = context->voter.person,
		.decision = request->decision,
		.status = status,
		.counts = context->counts,
		.stage = request->decision == DECISION_APPROVE ? context->slot.stage : 0,
		.kind = context->reviewer->kind,
		.role = context->slot.role,
		.administers = context->slot.administers,
		.on_behalf_of = context->slot.on_behalf_of,
		.comment = request->comment,
		.edits = request->edits,
		.preview_id = request->preview_id,
		.max_rows = request->max_rows,
	});
	proposal_change(context->proposal, row, event, status, &context->reviewer->actor_id, NULL);
}

/* The stage that is open with one more approval; 0: all are complete. */
static int64
open_stage_with(const Quorum *quorum, const Votes *votes, const Approval *approval)
{
	int count = votes != NULL ? votes->napprovals : 0;
	Approval *approvals = palloc(sizeof(Approval) * (count + 1));

	for (int i = 0; i < count; i++)
		approvals[i] = votes->approvals[i];
	approvals[count] = *approval;
	return quorum_open_stage(quorum, approvals, count + 1);
}

static void
approve(ReviewContext *context)
{
	Proposal *proposal = context->proposal;
	const Votes *votes = &context->votes;
	Approval approval = slot_approval(&context->slot);
	int64 stage = open_stage_with(&votes->quorum, votes, &approval);
	StoreRow row;

	Assert(proposal->status == PROPOSAL_PENDING);
	store_row_init(&row, STORE_PROPOSAL);
	row_set_int64(&row, PROPOSAL_APPROVALS, votes->napprovals + 1);
	row_set_id(&row, PROPOSAL_STAGE, stage != 0 ? &stage : NULL);
	proposal->max_rows = row_limit_smaller(proposal->max_rows, context->request->max_rows);
	row_set_id(&row, PROPOSAL_MAX_ROWS, proposal->max_rows);
	if (stage == 0)
		row_set_time(&row, PROPOSAL_EXPIRES_AT,
					 proposal->approval_ttl != NULL ? expiry_after(proposal->approval_ttl) : 0);
	context->counts = true;
	write_decision(context, &row, proposal->revision, EVENT_APPROVE,
				   stage == 0 ? PROPOSAL_APPROVED : PROPOSAL_PENDING);
	enqueue_when_approved(proposal);
}

/* Apply the merge patch: the params of the next revision. */
static Jsonb *
edited_params(const ReviewContext *context, const Definition *definition)
{
	const Proposal *proposal = context->proposal;
	Jsonb *edits = context->request->edits;
	CallSubject call = {.tool = context->tool,
						.definition = definition,
						.policy = context->policy,
						.proposer = actor_require(proposal->actor_id),
						.proposal_id = proposal->proposal_id};
	Jsonb *params;

	params = call_params_edited(&call, proposal->params, edits);
	if (JB_ROOT_COUNT(edits) > 0 && json_equal(params, proposal->params))
		report_invalid(
			"wfo_nothing_changed",
			errmsg("the edit changes nothing in proposal " INT64_FORMAT, proposal->proposal_id),
			errhint("To approve the call as it is, use the decision approve; to accept a "
					"changed tool, edit with '{}'."));
	return params;
}

/* Whether somebody else must approve an edit. */
static bool
edit_needs_approval(const ReviewContext *context)
{
	return context->policy->edit_needs_approval || built_in_is_administrative(context->tool->tool);
}

/*
 * Whether the edit counts as the editor's approval of the new revision; the
 * slot is then in a role that the revision asks for.
 */
static bool
edit_counts(ReviewContext *context, const Quorum *quorum)
{
	if (edit_needs_approval(context))
		return false;
	return quorum_wants(quorum, &(Approval){.role = context->slot.role}) ||
		   voter_fits(&context->voter, &context->votes, quorum, &context->slot);
}

/* Whether these are params that the proposer wrote, as proposed or in a revision. */
static bool
is_proposers_wording(const Proposal *proposal, Jsonb *params)
{
	for (int64 number = 1; number <= proposal->revision; number++)
	{
		const Revision *revision = revision_require(proposal->proposal_id, number);

		if (revision->author.actor_id == proposal->actor_id &&
			built_in_same_wording(proposal->tool, revision->params, params))
			return true;
	}
	return false;
}

/* Keep the request; the proposal stays as it is, but for the approvals that it holds up. */
static void
request_changes(ReviewContext *context)
{
	Proposal *proposal = context->proposal;
	StoreRow row;

	if (change_requests_by(proposal->proposal_id, &context->voter.person) >= CHANGE_REQUESTS_MAX)
		report_limit("wfo_too_many_requests",
					 errmsg("actor " INT64_FORMAT " has requested changes of proposal " INT64_FORMAT
							" too often",
							context->reviewer->actor_id, proposal->proposal_id),
					 errdetail("One person requests changes of one proposal %d times at most.",
							   CHANGE_REQUESTS_MAX),
					 errhint("Edit the proposal, or reject it."));
	store_row_init(&row, STORE_PROPOSAL);
	if (proposal->requested_since == 0)
		row_set_int64(&row, PROPOSAL_REQUESTED_SINCE, proposal->revision);
	write_decision(context, &row, proposal->revision, EVENT_REQUEST_CHANGES, PROPOSAL_PENDING);
}

static void
edit(ReviewContext *context)
{
	Proposal *proposal = context->proposal;
	const Policy *policy = context->policy;
	RevisionSource source = {
		.proposal = proposal,
		.tool = context->tool,
		.definition = definition_load(context->tool),
		.policy = policy,
		.author = context->reviewer,
		.may_be_automatic = !edit_needs_approval(context),
	};
	Revision revision = {.author = context->voter.person};
	Quorum quorum;
	int64 stage;
	StoreRow row;

	Assert(proposal->status == PROPOSAL_PENDING || proposal->status == PROPOSAL_APPROVED);
	new_revision_check_limit(proposal);
	revision.params = edited_params(context, source.definition);
	if (built_in_is_standing(context->tool->tool))
	{
		standing_check_holder(&context->voter.person, revision.params, proposal->proposal_id);
		standing_check_holder(&proposal->proposer, revision.params, 0);
	}
	(void) queued_cancel(proposal, &context->reviewer->actor_id, "The proposal was edited.");
	new_revision_work_out(&revision, &source);
	quorum = requirement_quorum(revision.requirements);
	context->counts = edit_counts(context, &quorum);
	if (built_in_is_standing(context->tool->tool))
		standing_check_lender(context->slot.on_behalf_of, revision.params, proposal->proposal_id);
	stage = context->counts
				? open_stage_with(&quorum, NULL, &(Approval){.role = context->slot.role})
				: quorum_open_stage(&quorum, NULL, 0);
	new_revision_keep(&revision, &source);

	store_row_init(&row, STORE_PROPOSAL);
	new_revision_set(&row, &revision, policy, context->counts ? 1 : 0, stage);
	row_set_id(&row, PROPOSAL_MAX_ROWS, context->request->max_rows);
	if (JB_ROOT_COUNT(context->request->edits) > 0)
		row_set_null(&row, PROPOSAL_REQUESTED_SINCE);
	row_set_bool(&row, PROPOSAL_PROPOSER_MAY_REVIEW,
				 edit_needs_approval(context) && !is_proposers_wording(proposal, revision.params));
	write_decision(context, &row, revision.revision, EVENT_EDIT,
				   stage == 0 ? PROPOSAL_APPROVED : PROPOSAL_PENDING);
	new_revision_done(proposal, &revision);
	proposal->max_rows = context->request->max_rows;
	enqueue_when_approved(proposal);
	if (stage != 0)
		requirement_warn_if_nobody(&revision, proposal->tool, proposal->actor_id, policy);
}

/* Read what the decision depends on, except the proposal. */
static void
read_context(ReviewContext *context)
{
	Person person;

	context->tool = tool_require(context->proposal->tool);
	context->preview = load_preview(context->request);
	context->policy = policy_load();
	caller_person(&context->caller, context->reviewer, &person);
	voter_init(&context->voter, context->reviewer, &person, context->proposal, context->policy);
	votes_load(&context->votes, context->proposal);
}

/* Whether the reviewer may review the proposal at all, whatever others have decided. */
static bool
may_review(const ReviewContext *context)
{
	const Proposal *proposal = context->proposal;
	Person person;

	if (!caller_may_act(&context->caller, context->reviewer) ||
		!reviewer_is_of_kind(context->reviewer, policy_load()))
		return false;
	caller_person(&context->caller, context->reviewer, &person);
	return (context->request->decision != DECISION_EDIT && proposal->proposer_may_review) ||
		   !reviewer_is_proposer(&person, proposal);
}

/*
 * Lock the proposal.  Reviews wait for each other, but an edit that would take
 * an approved proposal back does not wait for its execution.
 */
static void
lock_for_review(ReviewContext *context, StoreFound *found)
{
	LockWaitPolicy wait = context->request->decision == DECISION_EDIT &&
								  context->proposal->status == PROPOSAL_APPROVED
							  ? LockWaitSkip
							  : LockWaitBlock;

	context->proposal = proposal_require_lock_found(found, context->request->proposal_id, wait);
}

/*
 * Decide on a proposal: returns its status, and the call as it is then.
 *
 * Locks: the proposal's row.  An actor that may not review it is refused
 * before.
 */
ProposalStatus
review(const ReviewRequest *request, Jsonb **final_tool_call)
{
	ReviewContext context = {.request = request};
	StoreFound found;

	caller_identify(&context.caller);
	context.reviewer = caller_actor(&context.caller, request->reviewer_id, "reviewer_id");
	context.proposal = proposal_require_find(&found, request->proposal_id);
	if (!may_review(&context))
	{
		read_context(&context);
		check_reviewable(&context);
		check_reviewer(&context);
	}

	lock_for_review(&context, &found);
	context.reviewer = caller_read_again(&context.caller, context.reviewer);
	read_context(&context);
	check_reviewable(&context);
	check_reviewer(&context);
	check_second_review(&context);
	find_slot(&context);

	switch (request->decision)
	{
		case DECISION_APPROVE:
			approve(&context);
			break;
		case DECISION_REJECT:
			write_decision(&context, NULL, context.proposal->revision, EVENT_REJECT,
						   PROPOSAL_REJECTED);
			break;
		case DECISION_EDIT:
			edit(&context);
			break;
		case DECISION_REQUEST_CHANGES:
			request_changes(&context);
			break;
	}
	*final_tool_call = tool_call_build(context.proposal->tool, context.proposal->params,
									   row_limit_of_proposal(context.proposal, context.tool,
															 definition_find(context.tool)));
	return context.proposal->status;
}
