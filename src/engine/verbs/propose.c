/*
 * propose.c
 *	  Proposes a call of a tool.
 *
 * It owns the first revision of a proposal, the use of the idempotency key and
 * the approval by a rule.  Later revisions are made by review.c, revise.c and
 * accept.c; requirement.c works out the approvals, and open_limit.c keeps the
 * limit of open proposals.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "engine/approval/requirement.h"
#include "engine/approval/standing.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/run/built_in.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/verbs/call_params.h"
#include "engine/verbs/enqueue.h"
#include "engine/verbs/open_limit.h"
#include "engine/verbs/propose.h"
#include "engine/verbs/standing.h"
#include "engine/verbs/workflow_join.h"
#include "model/built_in.h"
#include "store/lock.h"
#include "store/proposal.h"
#include "store/purge.h"
#include "store/revision.h"
#include "store/table.h"
#include "store/tool_definition.h"

/* What the checks of a proposal look at. */
typedef struct ProposeSubject
{
	const Actor *actor;
	const Workflow *workflow;
	const Tool *tool;
	const Policy *policy;
} ProposeSubject;

static CallSubject
call_subject(const ProposeSubject *subject)
{
	return (CallSubject){.tool = subject->tool,
						 .definition = definition_load(subject->tool),
						 .policy = subject->policy,
						 .proposer = subject->actor};
}

/*
 * Return the existing proposal if the request has the same content: else
 * 42710.  The content is that of the first revision.
 */
static int64
answer_again(const ProposeRequest *request, const ProposeSubject *subject, const Proposal *proposal,
			 ProposalStatus *status)
{
	Jsonb *params = proposal->params;
	const char *reason = proposal->reason;
	bool same;

	if (proposal->revision > 1)
	{
		const Revision *first = revision_require(proposal->proposal_id, 1);

		params = first->params;
		reason = first->reason;
	}
	same = proposal->workflow_id == request->workflow_id &&
		   strcmp(proposal->tool, request->tool) == 0 && strcmp(reason, request->reason) == 0;
	if (same)
	{
		CallSubject call = call_subject(subject);

		same = call_params_same(&call, request->params, params);
	}
	if (!same)
		report_duplicate("wfo_key_used",
						 errmsg("idempotency key \"%s\" was used for another proposal",
								request->idempotency_key),
						 errdetail("Proposal " INT64_FORMAT " has the same key but other content.",
								   proposal->proposal_id),
						 errhint("Use another key for another call."));
	*status = proposal_status_now(proposal);
	return proposal->proposal_id;
}

static void
insert_proposal(const ProposeRequest *request, const Workflow *workflow, const Policy *policy,
				Revision *revision)
{
	StoreRow row;
	Quorum quorum = requirement_quorum(revision->requirements);
	int64 stage = quorum_open_stage(&quorum, NULL, 0);
	TimestampTz now = GetCurrentTimestamp();

	revision->approve_until = expiry_after(&policy->proposal_ttl);
	revision->approval_ttl = interval_or_null(&policy->approval_ttl);
	store_row_init(&row, STORE_PROPOSAL);
	row_set_int64(&row, PROPOSAL_PROPOSAL_ID, revision->proposal_id);
	row_set_int64(&row, PROPOSAL_WORKFLOW_ID, request->workflow_id);
	row_set_int64(&row, PROPOSAL_ACTOR_ID, revision->author.actor_id);
	row_set_enum(&row, PROPOSAL_STATUS, &proposal_status_type, PROPOSAL_PENDING);
	row_set_bool(&row, PROPOSAL_OPEN, true);
	row_set_bool(&row, PROPOSAL_DRY_RUN, workflow->dry_run);
	row_set_int64(&row, PROPOSAL_REVISION, revision->revision);
	row_set_int64(&row, PROPOSAL_APPROVALS, 0);
	row_set_int64(&row, PROPOSAL_REQUIRED_APPROVALS, revision->required_approvals);
	row_set_pointer(&row, PROPOSAL_REQUIREMENTS, revision->requirements);
	row_set_id(&row, PROPOSAL_STAGE, stage != 0 ? &stage : NULL);
	row_set_id(&row, PROPOSAL_RULE_ID, revision->rule_id);
	row_set_int64(&row, PROPOSAL_REVISED_BY, revision->author.actor_id);
	row_set_time(&row, PROPOSAL_REVISED_AT, now);
	row_set_bool(&row, PROPOSAL_PROPOSER_MAY_REVIEW, false);
	row_set_bool(&row, PROPOSAL_EXECUTE_ON_APPROVAL, request->execute_on_approval);
	row_set_time(&row, PROPOSAL_PROPOSED_AT, now);
	row_set_time(&row, PROPOSAL_STATUS_AT, now);
	row_set_int64(&row, PROPOSAL_STATUS_BY, revision->author.actor_id);
	row_set_time(&row, PROPOSAL_EXPIRES_AT, revision->approve_until);
	row_set_pointer(&row, PROPOSAL_APPROVAL_TTL, revision->approval_ttl);
	row_set_text(&row, PROPOSAL_EVENT, event_name(EVENT_PROPOSE));
	row_set_text(&row, PROPOSAL_TOOL, request->tool);
	row_set_pointer(&row, PROPOSAL_PARAMS, revision->params);
	row_set_text(&row, PROPOSAL_REASON, request->reason);
	row_set_text(&row, PROPOSAL_IDEMPOTENCY_KEY, request->idempotency_key);
	row_set_pointer(&row, PROPOSAL_DEFINITION, revision->definition);
	row_set_text(&row, PROPOSAL_PERSON, revision->author.person);
	row_set_text(&row, PROPOSAL_DB_ROLE, revision->author.db_role);
	row_set_text(&row, PROPOSAL_LOGIN, revision->author.login);
	store_insert(&row);
	revision->created_at = now;
	revision_insert(revision);
}

/* Approve a proposal by the rule of its current revision: returns the status. */
ProposalStatus
propose_approve_by_rule(int64 proposal_id)
{
	Proposal *proposal = proposal_require_lock(proposal_id);
	StoreRow row;

	Assert(proposal->status == PROPOSAL_PENDING);
	store_row_init(&row, STORE_PROPOSAL);
	row_set_time(&row, PROPOSAL_EXPIRES_AT,
				 proposal->approval_ttl != NULL ? expiry_after(proposal->approval_ttl) : 0);
	proposal_change(proposal, &row, EVENT_APPROVE_BY_RULE, PROPOSAL_APPROVED, NULL, NULL);
	enqueue_when_approved(proposal);
	return proposal->status;
}

/* Refuse execute_on_approval to a caller that may not have calls executed: 42501. */
static void
check_may_execute(const Caller *caller)
{
	if (!caller_has(caller, CAPABILITY_EXECUTE))
		report_denied("wfo_capability_missing",
					  errmsg("role \"%s\" may not have calls executed", caller->role_name),
					  errhint("Propose without execute_on_approval, or ask for the capability "
							  "\"execute\"."));
}

static void
read_subject(const ProposeRequest *request, ProposeSubject *subject)
{
	subject->workflow = workflow_require(request->workflow_id);
	subject->tool = tool_require(request->tool);
	subject->policy = policy_load();
}

/* Refuse a call of a built-in tool that could never run: 55000. */
static void
check_built_in(const ProposeRequest *request, const ProposeSubject *subject)
{
	if (subject->workflow->dry_run)
		report_wrong_state("wfo_dry_run",
						   errmsg("workflow " INT64_FORMAT " is a dry run",
								  subject->workflow->workflow_id),
						   errdetail("Calls of built-in tools are never dry."),
						   errhint("Propose the call in another workflow."));
	if (request->execute_on_approval)
		report_wrong_state("wfo_only_in_session",
						   errmsg("tool \"%s\" does not run in a background worker", request->tool),
						   errdetail("It is a built-in tool."),
						   errhint("Propose without execute_on_approval, and run the call with "
								   "execute_action."));
}

static void
check_subject(const ProposeRequest *request, const Caller *caller, const ProposeSubject *subject)
{
	workflow_check_active(subject->workflow);
	tool_check_enabled(subject->tool);
	if (subject->tool->built_in)
		check_built_in(request, subject);
	caller_check_acts_as(caller, subject->actor);
	if (built_in_is_administrative(subject->tool->tool))
		protection_check_person(caller, subject->actor);
	if (subject->tool->built_in)
		built_in_check_proposer(subject->tool->tool, subject->actor);
}

/* Refuse a key whose call was purged or redacted, so that the call does not run again: 42710. */
static void
check_key_not_spent(const ProposeRequest *request, const Caller *caller, const Actor *actor)
{
	if (!purged_key_exists(actor->actor_id, request->idempotency_key))
		return;
	caller_check_acts_as(caller, actor);
	report_duplicate("wfo_key_spent",
					 errmsg("idempotency key \"%s\" was used for a proposal that has been redacted "
							"or purged",
							request->idempotency_key),
					 errhint("Do not propose the same call again. Use another key for another "
							 "call."));
}

/*
 * Return the proposal that has the request's key; false if there is none.  A key
 * of which only its hash is left is refused.
 */
static bool
answer_by_key(const ProposeRequest *request, const Caller *caller, const ProposeSubject *subject,
			  int64 *proposal_id, ProposalStatus *status)
{
	const Proposal *proposal;

	if (request->idempotency_key == NULL)
		return false;
	proposal = proposal_find_by_key(subject->actor->actor_id, request->idempotency_key);
	if (proposal == NULL)
	{
		check_key_not_spent(request, caller, subject->actor);
		return false;
	}
	caller_check_acts_as(caller, subject->actor);
	*proposal_id = answer_again(request, subject, proposal, status);
	return true;
}

/* Work out the first revision of the call, except the proposal's id, and store its definition. */
static void
work_out_first_revision(const ProposeRequest *request, const Caller *caller,
						const ProposeSubject *subject, Revision *revision)
{
	CallSubject call = call_subject(subject);
	const Definition *definition = call.definition;

	revision->params = call_params(&call, request->params);
	revision->reason = request->reason;
	revision->definition = definition->sha256;
	tool_definition_keep(definition->sha256, subject->tool->tool, definition->json);
	revision->proposed_by = subject->actor->actor_id;
	requirement_work_out(revision,
						 &(RequirementSubject){
							 .tool = request->tool,
							 .reason = request->reason,
							 .proposer = subject->actor,
							 .author = subject->actor,
							 .workflow_id = request->workflow_id,
							 .workflow = subject->workflow,
							 .may_be_automatic = true,
						 },
						 subject->policy);
	caller_person(caller, subject->actor, &revision->author);
	if (built_in_is_standing(subject->tool->tool))
		standing_check_holder(&revision->author, revision->params, 0);
}

/*
 * Propose a call.
 *
 * Locks: the idempotency key; the workflow, shared; the uses of a standing
 * approval; for a moment, the actor's open proposals.  A caller that may not act as the actor is refused before.
 * What the call depends on is read after the waits for the locks.
 */
int64
propose(const ProposeRequest *request, ProposalStatus *status)
{
	Caller caller;
	ProposeSubject subject;
	OpenSlot slot;
	Revision revision = {.revision = 1};
	const Standing *standing = NULL;

	caller_identify(&caller);
	if (request->execute_on_approval)
		check_may_execute(&caller);
	subject.actor = caller_actor(&caller, request->actor_id, "actor_id");
	if (!caller_may_act(&caller, subject.actor))
	{
		read_subject(request, &subject);
		check_subject(request, &caller, &subject);
	}
	if (request->idempotency_key != NULL)
		store_lock_text(LOCK_IDEMPOTENCY_KEY, subject.actor->actor_id, request->idempotency_key);
	workflow_join(request->workflow_id);
	subject.actor = caller_read_again(&caller, subject.actor);
	read_subject(request, &subject);

	if (answer_by_key(request, &caller, &subject, &revision.proposal_id, status))
		return revision.proposal_id;
	check_subject(request, &caller, &subject);
	work_out_first_revision(request, &caller, &subject, &revision);
	if (revision.rule_id == NULL)
		standing = standing_take(&caller, subject.actor, request->tool, &revision);
	workflow_check_at_commit(request->workflow_id);
	open_limit_take(subject.actor->actor_id, &slot);
	revision.proposal_id = slot.proposal_id;
	insert_proposal(request, subject.workflow, subject.policy, &revision);
	open_limit_done(&slot);
	*status = PROPOSAL_PENDING;
	if (revision.rule_id != NULL)
		*status = propose_approve_by_rule(revision.proposal_id);
	else if (standing != NULL)
		*status = standing_approve(revision.proposal_id, standing);
	else
		requirement_warn_if_nobody(&revision, request->tool, subject.actor->actor_id,
								   subject.policy);
	return revision.proposal_id;
}
