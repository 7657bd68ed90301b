/*
 * redact.c
 *	  Redacts what people wrote in finished proposals, and who they were.
 *
 * Owns what may be redacted: what is finished and not held.  What a redaction
 * reaches is in audit/redact_content.c and audit/redact_identity.c, and how the
 * leaves of the tree stay good in audit/redact.c.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/grow.h"
#include "engine/audit/redact_content.h"
#include "engine/audit/redact_identity.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
#include "engine/verbs/actor.h"
#include "engine/verbs/redact.h"
#include "store/break_glass.h"
#include "store/lock.h"
#include "store/purge.h"

/* Whether a proposal has ended, or has failed in a workflow that has ended. */
static bool
is_finished(const Proposal *proposal, const Workflow *workflow)
{
	return status_is_final(OBJECT_PROPOSAL, proposal->status) ||
		   (proposal->status == PROPOSAL_FAILED && workflow->status != WORKFLOW_ACTIVE);
}

/* Refuse a break glass that nobody has looked at: its reason is still to be read. */
static void
check_no_open_break_glass(int64 proposal_id)
{
	int count;
	BreakGlass *open = break_glass_list_open(&count);

	for (int i = 0; i < count; i++)
		if (open[i].proposal_id == proposal_id)
			report_wrong_state("wfo_not_finished",
							   errmsg("proposal " INT64_FORMAT " is not finished", proposal_id),
							   errdetail("Nobody has reviewed its break glass."),
							   errhint("Review it with review_break_glass first."));
}

static void
check_finished(const Proposal *proposal)
{
	const Workflow *workflow = workflow_require(proposal->workflow_id);

	if (!is_finished(proposal, workflow))
		report_wrong_state("wfo_not_finished",
						   errmsg("proposal " INT64_FORMAT " is not finished",
								  proposal->proposal_id),
						   errdetail("Its status is %s.",
									 enum_label(&proposal_status_type, proposal->status)),
						   errhint("Decide, execute or withdraw it, call expire_proposals if its "
								   "time is over, or end its workflow if it has failed."));
	check_no_open_break_glass(proposal->proposal_id);
}

/* Ids of workflows that a redaction reaches, each once and in order after lock_workflows(). */
typedef struct WorkflowIds
{
	int64 *ids;
	int count;
	int size;
} WorkflowIds;

static int
compare_workflow_ids(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static void
add_workflow(WorkflowIds *workflows, int64 workflow_id)
{
	GROW_ARRAY(workflows->ids, workflows->count, workflows->size);
	workflows->ids[workflows->count++] = workflow_id;
}

/* Add the workflows of leaves; those without one have 0. */
static void
add_workflows_of(WorkflowIds *workflows, const RedactedLeaves *leaves)
{
	for (int i = 0; i < leaves->count; i++)
		if (leaves->leaves[i].workflow_id != 0)
			add_workflow(workflows, leaves->leaves[i].workflow_id);
}

/*
 * Lock workflows in the order of their ids, since a hold locks them as well, and
 * refuse those that are held.
 */
static void
lock_workflows(WorkflowIds *workflows)
{
	int kept = 0;

	qsort(workflows->ids, workflows->count, sizeof(int64), compare_workflow_ids);
	for (int i = 0; i < workflows->count; i++)
	{
		if (kept > 0 && workflows->ids[i] == workflows->ids[kept - 1])
			continue;
		workflows->ids[kept++] = workflows->ids[i];
		(void) workflow_lock(workflows->ids[kept - 1]);
		workflow_check_not_held(workflows->ids[kept - 1]);
	}
	workflows->count = kept;
}

/* Say what is left to do, which no call can do in a transaction. */
static void
remind_of_vacuum(void)
{
	ereport(NOTICE,
			(errmsg("the redacted values stay in the files of the tables until these are "
					"written anew"),
			 errhint("Run VACUUM (FULL, ANALYZE) on the tables that doc/administrator.md "
					 "lists. A plain VACUUM leaves the values in the free space of pages.")));
}

/*
 * Redact a proposal that is finished and not held.
 *
 * Locks: the workflows of all rows that it reaches, the proposal, and rounds of
 * sealing.
 */
void
proposal_redact(int64 proposal_id, const int64 *actor_id, const char *reason)
{
	RedactionAct act = {.action = "redact_proposal",
						.reason = reason,
						.object = REDACTED_PROPOSAL,
						.object_id = proposal_id};
	Caller caller;
	const Actor *actor;
	Proposal *proposal;
	RedactedLeaves leaves;
	WorkflowIds workflows = {0};

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	proposal = proposal_require(proposal_id);
	check_finished(proposal);
	workflow_check_not_held(proposal->workflow_id);
	if (actor != NULL)
		caller_check_reads_as(&caller, actor);
	protection_check(&caller, "redact_proposal");

	content_collect(proposal, &leaves);
	add_workflows_of(&workflows, &leaves);
	lock_workflows(&workflows);
	proposal = proposal_require_lock(proposal_id);
	check_finished(proposal);
	actor = caller_read_again(&caller, actor);
	if (actor != NULL)
		caller_check_acts_as(&caller, actor);
	store_lock_id(LOCK_SEAL, 0, LOCK_EXCLUSIVE);
	if (redact_check_leaves(&content_redactor, &leaves) == 0)
		report_wrong_state("wfo_redacted",
						   errmsg("proposal " INT64_FORMAT " is redacted already", proposal_id));

	if (proposal_idempotency_key(proposal) != NULL)
		redacted_key_insert(proposal->actor_id, proposal_idempotency_key(proposal));
	act.redacted_at = GetCurrentTimestamp();
	act.actor_id = actor != NULL ? &actor->actor_id : NULL;
	act.workflow_id = proposal->workflow_id;
	act.login = caller.login;
	act.db_role = caller.role;
	redact_leaves(&content_redactor, &leaves, &act);
	remind_of_vacuum();
}

/* Refuse an actor who may act, or has proposals that are open. */
static void
check_actor_is_done(const Actor *actor)
{
	if (actor->active)
		report_wrong_state("wfo_actor_active",
						   errmsg("actor " INT64_FORMAT " is active", actor->actor_id),
						   errhint("Deactivate it first, with update_actor(..., active => "
								   "false)."));
	if (proposal_count_open(actor->actor_id, 1) > 0)
		report_wrong_state("wfo_not_finished",
						   errmsg("actor " INT64_FORMAT " has open proposals", actor->actor_id),
						   errhint("Decide, execute or withdraw them, or call expire_proposals if "
								   "their time is over."));
}

static void
check_reached(void *arg, int64 proposal_id)
{
	const Proposal *proposal = proposal_require(proposal_id);

	check_finished(proposal);
	add_workflow(arg, proposal->workflow_id);
}

/* Find what a redaction of an actor reaches: the leaves, and the workflows of all rows. */
static void
reach(Identity *identity, RedactedLeaves *leaves, WorkflowIds *workflows)
{
	memset(workflows, 0, sizeof(WorkflowIds));
	identity_each_proposal(identity, check_reached, workflows);
	identity_collect(identity, leaves);
	add_workflows_of(workflows, leaves);
}

/* Refuse workflows that are reached only now, whose holds nobody has looked for: 55P03. */
static void
check_locked(const WorkflowIds *workflows, const WorkflowIds *locked)
{
	for (int i = 0; i < workflows->count; i++)
		if (bsearch(&workflows->ids[i], locked->ids, locked->count, sizeof(int64),
					compare_workflow_ids) == NULL)
			report_busy("wfo_busy",
						errmsg("workflow " INT64_FORMAT " has been changed by another session",
							   workflows->ids[i]),
						errhint("Try again."));
}

/*
 * Redact who an actor is, who is inactive and has no open proposals.  What it
 * reaches must be finished and not held: until then the marks of a person decide
 * who may review.
 *
 * Locks: the actor's new name, the actor, the workflows of all rows that it
 * reaches, and rounds of sealing.  All is looked for a second time with the locks.
 */
void
actor_redact(int64 actor_id, const int64 *by_actor_id, const char *reason)
{
	RedactionAct act = {.action = "redact_actor",
						.reason = reason,
						.object = REDACTED_ACTOR,
						.object_id = actor_id};
	Caller caller;
	const Actor *by;
	Actor *actor;
	Identity identity;
	Redactor redactor = identity_redactor(&identity);
	RedactedLeaves leaves;
	WorkflowIds locked;
	WorkflowIds workflows;

	caller_identify(&caller);
	by = caller_actor_or_null(&caller, by_actor_id);
	check_actor_is_done(actor_require(actor_id));
	if (by != NULL)
		caller_check_reads_as(&caller, by);
	protection_check(&caller, "redact_actor");

	actor_reserve_name(actor_redacted_name(actor_id), actor_id);
	actor = actor_lock(actor_id, LockWaitBlock);
	check_actor_is_done(actor);
	identity_begin(&identity, actor);
	reach(&identity, &leaves, &locked);
	lock_workflows(&locked);
	by = caller_read_again(&caller, by);
	if (by != NULL)
		caller_check_acts_as(&caller, by);
	store_lock_id(LOCK_SEAL, 0, LOCK_EXCLUSIVE);
	reach(&identity, &leaves, &workflows);
	check_locked(&workflows, &locked);
	if (redact_check_leaves(&redactor, &leaves) == 0 &&
		!row_identifies(&identity, STORE_ACTOR, actor->row))
		report_wrong_state("wfo_redacted",
						   errmsg("actor " INT64_FORMAT " is redacted already", actor_id));

	act.redacted_at = GetCurrentTimestamp();
	act.actor_id = by != NULL ? &by->actor_id : NULL;
	act.login = caller.login;
	act.db_role = caller.role;
	redact_leaves(&redactor, &leaves, &act);
	identity_redact_tables(&identity);
	remind_of_vacuum();
}
