/*
 * revoke.c
 *	  Takes an approval or a request for changes back.
 *
 * A review is never changed: a revocation is a row of its own, which takes the
 * review out of the count.  Approvals of later stages were given in the
 * knowledge of the revoked one, so they are revoked with it.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/approval/vote.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/run/queued.h"
#include "engine/state.h"
#include "engine/tool/row_limit.h"
#include "engine/verbs/review.h"
#include "engine/verbs/revoke.h"
#include "engine/verbs/workflow_join.h"
#include "model/built_in.h"
#include "store/proposal.h"
#include "store/revocation.h"
#include "store/table.h"

static void
check_revocable(const Proposal *proposal)
{
	ProposalStatus now = proposal_status_now(proposal);

	if (now != PROPOSAL_PENDING && now != PROPOSAL_APPROVED && now != PROPOSAL_FAILED)
		proposal_report_state(proposal, "wfo_proposal_ended", "pending, approved or failed",
							  "Only a review of a proposal that may "
							  "still be executed can be revoked.");
}

/* The approval or the request for changes that the actor has given: 55000 where there is none. */
static const Review *
find_revocable(const Votes *votes, int64 actor_id)
{
	for (int i = 0; i < votes->nrequests; i++)
		if (votes->requests[i].reviewer.actor_id == actor_id)
			return &votes->requests[i];
	for (int i = 0; i < votes->nreviews; i++)
		if (votes->reviews[i].counts && votes->reviews[i].reviewer.actor_id == actor_id)
			return &votes->reviews[i];
	report_wrong_state("wfo_no_approval",
					   errmsg("actor " INT64_FORMAT " has not approved revision " INT64_FORMAT
							  " of proposal " INT64_FORMAT,
							  actor_id, votes->proposal->revision, votes->proposal->proposal_id),
					   errhint("Only an actor that has approved the current revision can revoke "
							   "its approval."));
}

/* Collect the approvals that remain: all but the revoked one, up to a stage. */
static int
keep_approvals(const Votes *votes, const Review *revoked, int64 last_stage, Approval *approvals)
{
	int kept = 0;

	for (int i = 0; i < votes->nreviews; i++)
	{
		const Review *review = &votes->reviews[i];

		if (review->counts && review != revoked && review->stage <= last_stage)
			approvals[kept++] = (Approval){.role = review->role,
										   .stage = review->stage,
										   .administers = review->administers};
	}
	return kept;
}

/* The limit on rows that remains, of the reviews that stand without the revoked approval. */
static const int64 *
keep_max_rows(const Votes *votes, const Review *revoked, int64 last_stage)
{
	const int64 *max_rows = NULL;

	for (int i = 0; i < votes->nreviews; i++)
	{
		const Review *review = &votes->reviews[i];

		if (review != revoked && (!review->counts || review->stage <= last_stage))
			max_rows = row_limit_smaller(max_rows, review->max_rows);
	}
	return max_rows;
}

/* Write the revocation, then those that follow from it. */
static void
write_revocations(const Votes *votes, const Review *revoked, int64 last_stage,
				  ProposalStatus status, const char *reason)
{
	Revocation revocation = {
		.review_id = revoked->review_id,
		.proposal_id = votes->proposal->proposal_id,
		.proposed_by = votes->proposal->actor_id,
		.workflow_id = votes->proposal->workflow_id,
		.revision = revoked->revision,
		.actor_id = revoked->reviewer.actor_id,
		.status = status,
		.reason = reason,
	};

	revocation_insert(&revocation);
	revocation.follows = &revoked->review_id;
	revocation.reason = NULL;
	for (int i = 0; i < votes->nreviews; i++)
	{
		const Review *review = &votes->reviews[i];

		if (!review->counts || review == revoked || review->stage <= last_stage)
			continue;
		revocation.review_id = review->review_id;
		revocation_insert(&revocation);
	}
}

/* Check the call and find what it revokes, as the proposal stands. */
static const Review *
check_revoke(const Caller *caller, const Proposal *proposal, const Actor *reviewer, Votes *votes)
{
	const Review *revoked;

	check_revocable(proposal);
	workflow_check_active(workflow_require(proposal->workflow_id));
	votes_load(votes, proposal);
	revoked = find_revocable(votes, reviewer->actor_id);
	caller_check_acts_as(caller, reviewer);
	if (built_in_is_administrative(proposal->tool))
		protection_check_person(caller, reviewer);
	return revoked;
}

/*
 * Revoke the actor's approval or request for changes: returns the proposal's status.
 *
 * Locks: the workflow, shared, since a failed proposal becomes open again; the
 * proposal's row, waiting for reviews but not for an execution.  A caller that
 * may not act as the actor is refused before.
 */
ProposalStatus
approval_revoke(int64 proposal_id, const int64 *reviewer_id, const char *reason)
{
	Caller caller;
	const Actor *reviewer;
	Proposal *proposal;
	Votes votes;
	const Review *revoked;
	Approval *approvals;
	int kept;
	int64 stage;
	const int64 *max_rows;
	StoreRow row;

	caller_identify(&caller);
	reviewer = caller_actor(&caller, reviewer_id, "reviewer_id");
	proposal = proposal_require(proposal_id);
	if (!caller_may_act(&caller, reviewer))
		(void) check_revoke(&caller, proposal, reviewer, &votes);
	workflow_join(proposal->workflow_id);
	proposal = proposal->status == PROPOSAL_PENDING ? proposal_require_lock(proposal_id)
													: proposal_require_lock_now(proposal_id);
	reviewer = caller_read_again(&caller, reviewer);
	revoked = check_revoke(&caller, proposal, reviewer, &votes);

	if (revoked->decision == DECISION_REQUEST_CHANGES)
	{
		write_revocations(&votes, revoked, PG_INT64_MAX, proposal->status, reason);
		proposal_change(proposal, NULL, EVENT_REVOKE, proposal->status, &reviewer->actor_id,
						reason);
		return proposal->status;
	}
	approvals = palloc(sizeof(Approval) * votes.nreviews);
	kept = keep_approvals(&votes, revoked, PG_INT64_MAX, approvals);
	stage = quorum_open_stage(&votes.quorum, approvals, kept);
	if (revoked->stage != 0)
		stage = Min(stage, revoked->stage);
	(void) queued_cancel(proposal, &reviewer->actor_id, "The approval was revoked.");
	write_revocations(&votes, revoked, stage, PROPOSAL_PENDING, reason);
	max_rows = keep_max_rows(&votes, revoked, stage);
	kept = keep_approvals(&votes, revoked, stage, approvals);
	stage = quorum_open_stage(&votes.quorum, approvals, kept);

	store_row_init(&row, STORE_PROPOSAL);
	row_set_int64(&row, PROPOSAL_APPROVALS, kept);
	row_set_int64(&row, PROPOSAL_STAGE, stage);
	row_set_id(&row, PROPOSAL_MAX_ROWS, max_rows);
	row_set_time(&row, PROPOSAL_EXPIRES_AT,
				 revision_require(proposal_id, proposal->revision)->approve_until);
	proposal_change(proposal, &row, EVENT_REVOKE, PROPOSAL_PENDING, &reviewer->actor_id, reason);
	return proposal->status;
}
