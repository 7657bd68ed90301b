/*
 * accept.c
 *	  Accepts a tool as it is now for all its open proposals.
 *
 * It owns the pinning of open proposals to the current definition of a tool.  It
 * changes no wording and approves nothing.
 *
 * After a release has changed a tool, its open proposals are refused one by one
 * until somebody has looked at each.  This call is for an administrator who has
 * looked at the change once: each proposal gets a new revision with the same
 * params, pinned to the current definition.  Nobody has approved that revision,
 * so approvals of the previous one are void.
 */
#include "postgres.h"

#include "base/each.h"
#include "engine/approval/new_revision.h"
#include "engine/approval/requirement.h"
#include "engine/identity/caller.h"
#include "engine/run/queued.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/tool/row_limit.h"
#include "engine/verbs/accept.h"
#include "engine/verbs/call_params.h"
#include "engine/verbs/enqueue.h"
#include "model/built_in.h"
#include "store/table.h"

typedef struct Acceptance
{
	const Tool *tool;
	const Definition *definition;
	const Policy *policy;
	const int64 *actor_id; /* NULL: nobody in particular */
	const char *reason;
	const int64 *ids; /* proposals of the tool */
	int64 accepted;   /* how many were pinned to another definition */
} Acceptance;

/*
 * Make the new revision of a locked proposal.  Its author is the author of the
 * params, which stay the same; the actor who accepts has written nothing.
 */
static void
pin_afresh(const Acceptance *acceptance, Proposal *proposal)
{
	const Policy *policy = acceptance->policy;
	Revision revision = {
		.author = revision_require(proposal->proposal_id, proposal->revision)->author,
		.params = call_params(&(CallSubject){.tool = acceptance->tool,
											 .definition = acceptance->definition,
											 .policy = policy,
											 .proposer = actor_require(proposal->actor_id),
											 .proposal_id = proposal->proposal_id},
							  proposal->params),
	};
	RevisionSource source = {
		.proposal = proposal,
		.tool = acceptance->tool,
		.definition = acceptance->definition,
		.policy = policy,
		.author = actor_require(revision.author.actor_id),
		.may_be_automatic = !policy->edit_needs_approval,
	};
	Quorum quorum;
	int64 stage;
	StoreRow row;

	(void) queued_cancel(proposal, acceptance->actor_id,
						 "The definition of its tool was accepted anew.");
	new_revision_work_out(&revision, &source);
	quorum = requirement_quorum(revision.requirements);
	stage = quorum_open_stage(&quorum, NULL, 0);
	new_revision_keep(&revision, &source);

	store_row_init(&row, STORE_PROPOSAL);
	new_revision_set(&row, &revision, policy, 0, stage);
	/* The audit row says who and why, even if the status stays the same. */
	row_set_id(&row, PROPOSAL_STATUS_BY, acceptance->actor_id);
	row_set_text(&row, PROPOSAL_STATUS_REASON, acceptance->reason);
	proposal_change(proposal, &row, EVENT_ACCEPT_DEFINITION,
					stage == 0 ? PROPOSAL_APPROVED : PROPOSAL_PENDING, acceptance->actor_id,
					acceptance->reason);
	new_revision_done(proposal, &revision);
	enqueue_when_approved(proposal);
}

static void
name_proposal(void *proposal_id)
{
	errcontext("proposal " INT64_FORMAT " with the tool as it is now", *(int64 *) proposal_id);
}

/*
 * Whether the proposal is pinned to the tool as it is now.  A limit on rows that
 * is smaller than the tool's is one more thing that would change.
 */
static bool
is_current(const Acceptance *acceptance, const Proposal *proposal)
{
	const Tool *tool = acceptance->tool;

	return definition_change(tool, proposal->definition) == NULL &&
		   row_limit_of_tool(tool, acceptance->definition, proposal->definition) == tool->max_rows;
}

/* Accept the tool for a proposal, where that changes anything. */
static void
accept_for(int index, void *arg)
{
	Acceptance *acceptance = arg;
	int64 proposal_id = acceptance->ids[index];
	Proposal *proposal = proposal_require_lock_now(proposal_id);
	ErrorContextCallback callback = {.previous = error_context_stack,
									 .callback = name_proposal,
									 .arg = &proposal_id};

	if (!proposal_status_is_open(proposal_status_now(proposal)) || is_current(acceptance, proposal))
		return;
	error_context_stack = &callback;
	pin_afresh(acceptance, proposal);
	error_context_stack = callback.previous;
	acceptance->accepted++;
}

/*
 * Pin all open proposals of a tool to its current definition: returns how many
 * were pinned to another one.  All or none: 55P03 if another session executes
 * or changes one of them, 22023 if params no longer fit.
 */
int64
tool_accept_definition(const char *name, const int64 *actor_id, const char *reason)
{
	Caller caller;
	const Actor *actor;
	Acceptance acceptance = {.reason = reason};
	int count;

	if (built_in_is(name))
		tool_report_built_in(name);
	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	acceptance.tool = tool_require(name);
	acceptance.definition = definition_load(acceptance.tool);
	acceptance.policy = policy_load();
	if (actor != NULL)
	{
		caller_check_acts_as(&caller, actor);
		acceptance.actor_id = &actor->actor_id;
	}

	acceptance.ids = proposal_list_open_of_tool(name, &count);
	each_item(count, accept_for, &acceptance);
	return acceptance.accepted;
}
