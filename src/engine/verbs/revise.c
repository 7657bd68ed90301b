/*
 * revise.c
 *	  Lets the proposer word a proposal anew.
 *
 * The new revision is decided on like a new proposal: its params are converted,
 * its tool is pinned, and the approvals it needs are worked out afresh.  Approvals
 * of the revision before do not count for it.  Edits by reviewers are in
 * review.c.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "engine/approval/new_revision.h"
#include "engine/approval/requirement.h"
#include "engine/approval/standing.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/identity/readable.h"
#include "engine/run/approved.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/verbs/call_params.h"
#include "engine/verbs/propose.h"
#include "engine/verbs/revise.h"
#include "model/built_in.h"
#include "store/proposal.h"
#include "store/table.h"

static bool
may_revise(const Caller *caller, const Proposal *proposal, const Actor *actor)
{
	return caller_may_act(caller, actor) && actor->actor_id == proposal->actor_id;
}

static void
check_revise(const Caller *caller, const ReviseRequest *request, const Proposal *proposal,
			 const Actor *actor)
{
	if (!proposal_status_is_open(proposal_status_now(proposal)))
		proposal_report_state(proposal, "wfo_not_open", "pending or approved",
							  "Only what has not been decided for good can be revised: propose "
							  "anew.");
	approved_check_not_queued(proposal->proposal_id);
	proposal_check_revision(proposal, request->expected_revision);
	workflow_check_active(workflow_require(proposal->workflow_id));
	tool_check_enabled(tool_require(proposal->tool));
	caller_check_acts_as(caller, actor);
	if (built_in_is_administrative(proposal->tool))
		protection_check_person(caller, actor);
	if (actor->actor_id != proposal->actor_id)
		report_denied(
			"wfo_not_yours",
			errmsg("proposal " INT64_FORMAT " is not yours to revise", proposal->proposal_id),
			errdetail("Actor " INT64_FORMAT " proposed it.", proposal->actor_id),
			errhint("The proposer can revise it; a reviewer can edit it with review_action."));
}

/* Refuse with 22023 a revision that would say again what the proposal says. */
static void
check_changed(const Proposal *proposal, const Revision *revision, const Definition *definition)
{
	if (!json_equal(revision->params, proposal->params) ||
		(revision->reason != NULL && strcmp(revision->reason, proposal->reason) != 0) ||
		!definition_is(definition, proposal->definition))
		return;
	report_invalid("wfo_nothing_changed",
				   errmsg("the revision changes nothing in proposal " INT64_FORMAT,
						  proposal->proposal_id),
				   errhint("Give other params or another reason."));
}

/*
 * Make a new revision of one's own proposal: returns its status and the number of
 * the revision.
 *
 * Locks: the proposal's row; waiting while it is pending, and not for the
 * execution of an approved one.  A caller that may not revise it is refused
 * before.
 */
ProposalStatus
revise(const ReviseRequest *request, int64 *revision_number)
{
	Caller caller;
	Proposal *proposal;
	RevisionSource source = {.may_be_automatic = true};
	Revision revision = {.reason = request->reason};
	Quorum quorum;
	StoreRow row;

	caller_identify(&caller);
	source.author = caller_actor(&caller, request->actor_id, "actor_id");
	proposal = readable_proposal_require(&caller, source.author, request->proposal_id, "revise");
	if (!may_revise(&caller, proposal, source.author))
		check_revise(&caller, request, proposal, source.author);
	proposal = proposal->status == PROPOSAL_PENDING ? proposal_require_lock(request->proposal_id)
													: approved_lock(request->proposal_id);
	source.author = caller_read_again(&caller, source.author);
	check_revise(&caller, request, proposal, source.author);
	new_revision_check_limit(proposal);

	source.proposal = proposal;
	source.tool = tool_require(proposal->tool);
	source.definition = definition_load(source.tool);
	source.policy = policy_load();
	caller_person(&caller, source.author, &revision.author);
	revision.params = call_params(&(CallSubject){.tool = source.tool,
												 .definition = source.definition,
												 .policy = source.policy,
												 .proposer = source.author,
												 .proposal_id = proposal->proposal_id},
								  request->params);
	if (source.tool->built_in && built_in_is_standing(proposal->tool))
		standing_check_holder(&revision.author, revision.params, 0);
	check_changed(proposal, &revision, source.definition);
	new_revision_work_out(&revision, &source);
	new_revision_keep(&revision, &source);

	quorum = requirement_quorum(revision.requirements);
	store_row_init(&row, STORE_PROPOSAL);
	new_revision_set(&row, &revision, source.policy, 0, quorum_open_stage(&quorum, NULL, 0));
	row_set_time(&row, PROPOSAL_EXPIRES_AT, revision.approve_until);
	row_set_bool(&row, PROPOSAL_PROPOSER_MAY_REVIEW, false);
	row_set_null(&row, PROPOSAL_REQUESTED_SINCE);
	/* The audit row says by whom and why, where the status stays the same, too. */
	row_set_id(&row, PROPOSAL_STATUS_BY, &source.author->actor_id);
	row_set_text(&row, PROPOSAL_STATUS_REASON, request->reason);
	proposal_change(proposal, &row, EVENT_REVISE, PROPOSAL_PENDING, &source.author->actor_id,
					request->reason);
	new_revision_done(proposal, &revision);
	*revision_number = revision.revision;
	if (revision.rule_id != NULL)
		return propose_approve_by_rule(proposal->proposal_id);
	requirement_warn_if_nobody(&revision, proposal->tool, proposal->actor_id, source.policy);
	return proposal->status;
}
