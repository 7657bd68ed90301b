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
#include "base/subtransaction.h"
#include "engine/audit/clean.h"
#include "engine/audit/redact_content.h"
#include "engine/audit/redact_identity.h"
#include "engine/audit/waiting.h"
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

/* Have the redacted values be vacuumed, or say that somebody must do it. */
static void
see_to_vacuum(void)
{
	clean_want();
	if (!clean_is_automatic())
		ereport(NOTICE,
				(errmsg("the redacted values stay in the files of the tables until these are "
						"written anew"),
				 errhint("Run VACUUM (FULL, ANALYZE) on the tables that doc/administrator.md "
						 "lists. A plain VACUUM leaves the values in the free space of pages.")));
}

/* Who redacts, and in whose name. */
typedef struct Redacting
{
	Caller caller;
	const Actor *actor; /* NULL: nobody in particular */
} Redacting;

/* Find out who redacts; actor_id is who says so, or NULL. */
static void
redacting_begin(Redacting *redacting, const int64 *actor_id)
{
	caller_identify(&redacting->caller);
	redacting->actor = caller_actor_or_null(&redacting->caller, actor_id);
}

/* Check that the caller may redact, before the locks. */
static void
redacting_check(const Redacting *redacting, const char *call)
{
	if (redacting->actor != NULL)
		caller_check_reads_as(&redacting->caller, redacting->actor);
	protection_check(&redacting->caller, call);
}

/* Check it again, with the locks, and say in act who it is. */
static void
redacting_confirm(Redacting *redacting, RedactionAct *act)
{
	redacting->actor = caller_read_again(&redacting->caller, redacting->actor);
	if (redacting->actor != NULL)
		caller_check_acts_as(&redacting->caller, redacting->actor);
	act->actor_id = redacting->actor != NULL ? &redacting->actor->actor_id : NULL;
	act->login = redacting->caller.login;
	act->db_role = redacting->caller.role;
}

/*
 * Redact a proposal, as act tells of it; redacting is who does, or NULL: the
 * redaction is repeated, and act says it already.
 */
static void
redact_proposal_as(RedactionAct *act, Redacting *redacting)
{
	Proposal *proposal = proposal_require(act->object_id);
	RedactedLeaves leaves;
	WorkflowIds workflows = {0};

	check_finished(proposal);
	workflow_check_not_held(proposal->workflow_id);
	if (redacting != NULL)
		redacting_check(redacting, act->action);

	content_collect(proposal, &leaves);
	add_workflows_of(&workflows, &leaves);
	lock_workflows(&workflows);
	proposal = proposal_require_lock(act->object_id);
	check_finished(proposal);
	if (redacting != NULL)
		redacting_confirm(redacting, act);
	store_lock_id(LOCK_SEAL, 0, LOCK_EXCLUSIVE);
	if (redact_check_leaves(&content_redactor, &leaves) == 0)
		report_wrong_state("wfo_redacted",
						   errmsg("proposal " INT64_FORMAT " is redacted already", act->object_id));

	if (proposal_idempotency_key(proposal) != NULL)
		redacted_key_insert(proposal->actor_id, proposal_idempotency_key(proposal));
	act->redacted_at = GetCurrentTimestamp();
	act->workflow_id = proposal->workflow_id;
	redact_leaves(&content_redactor, &leaves, act);
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
	Redacting redacting;

	redacting_begin(&redacting, actor_id);
	redact_proposal_as(&act, &redacting);
	see_to_vacuum();
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

/* What a redaction of an actor reaches: the leaves, and the workflows of all rows. */
typedef struct Reach
{
	Identity *identity;
	RedactedLeaves leaves;
	WorkflowIds workflows;
} Reach;

static void
reach_at_once(void *arg)
{
	Reach *reach = arg;

	memset(&reach->workflows, 0, sizeof(WorkflowIds));
	identity_each_proposal(reach->identity, check_reached, &reach->workflows);
	identity_collect(reach->identity, &reach->leaves);
	add_workflows_of(&reach->workflows, &reach->leaves);
}

/* Find it, in the tables and the log as both are at one time. */
static void
reach_find(Reach *reach)
{
	store_read_as_of(NULL, reach_at_once, reach);
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

/* The same as redact_proposal_as(), for an actor. */
static void
redact_actor_as(RedactionAct *act, Redacting *redacting)
{
	int64 actor_id = act->object_id;
	Actor *actor;
	Identity identity;
	Redactor redactor = identity_redactor(&identity);
	Reach reach = {.identity = &identity};
	WorkflowIds locked;

	check_actor_is_done(actor_require(actor_id));
	if (redacting != NULL)
		redacting_check(redacting, act->action);

	actor_reserve_name(actor_redacted_name(actor_id), actor_id);
	actor = actor_lock(actor_id, LockWaitBlock);
	check_actor_is_done(actor);
	identity_begin(&identity, actor);
	reach_find(&reach);
	locked = reach.workflows;
	lock_workflows(&locked);
	if (redacting != NULL)
		redacting_confirm(redacting, act);
	store_lock_id(LOCK_SEAL, 0, LOCK_EXCLUSIVE);
	reach_find(&reach);
	check_locked(&reach.workflows, &locked);
	if (redact_check_leaves(&redactor, &reach.leaves) == 0 &&
		!row_identifies(&identity, STORE_ACTOR, actor->row))
		report_wrong_state("wfo_redacted",
						   errmsg("actor " INT64_FORMAT " is redacted already", actor_id));

	act->redacted_at = GetCurrentTimestamp();
	redact_leaves(&redactor, &reach.leaves, act);
	identity_redact_tables(&identity);
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
	Redacting redacting;

	redacting_begin(&redacting, by_actor_id);
	redact_actor_as(&act, &redacting);
	see_to_vacuum();
}

/* A redaction that was made before a restore undid it. */
typedef struct Repeated
{
	const RedactedObjectId *object;
	const Caller *caller;
} Repeated;

static void
repeat(void *arg)
{
	const Repeated *repeated = arg;
	RedactionAct act = {.action = REAPPLY,
						.actor_id = caller_bound_actor(repeated->caller),
						.login = repeated->caller->login,
						.db_role = repeated->caller->role,
						.object = repeated->object->object,
						.object_id = repeated->object->object_id};

	if (act.object == REDACTED_PROPOSAL)
		redact_proposal_as(&act, NULL);
	else
		redact_actor_as(&act, NULL);
}

/* Repeat the redactions of one proposal or actor.  Returns whether it was done. */
static bool
redact_again(const Caller *caller, const RedactedObjectId *object)
{
	const char *label = redacted_object_label(object->object);
	Repeated repeated = {object, caller};
	ErrorData *error;

	if (!redactions_fit(object))
	{
		redactions_drop_waiting(object);
		ereport(WARNING, (errmsg("%s " INT64_FORMAT " is not redacted again, since no sealed row "
								 "is one that was redacted",
								 label, object->object_id),
						  errdetail("It came after the backup, or was not sealed then.")));
		return false;
	}
	error = subtransaction_try(repeat, &repeated);
	if (error == NULL)
	{
		redactions_drop_waiting(object);
		return true;
	}
	if (error->sqlerrcode != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
		ReThrowError(error);
	ereport(WARNING, (errmsg("%s " INT64_FORMAT " is not redacted again: %s", label,
							 object->object_id, error->message),
					  error->detail != NULL ? errdetail("%s", error->detail) : 0,
					  error->hint != NULL ? errhint("%s", error->hint) : 0));
	return false;
}

/*
 * Repeat the redactions that the table redaction tells of and that an older backup
 * has undone.  Returns how many proposals and actors were redacted.
 *
 * Locks: those of each redaction.
 */
int64
redactions_reapply(void)
{
	Caller caller;
	int count;
	RedactedObjectId *objects = redactions_list_waiting(&count);
	int64 done = 0;

	caller_identify(&caller);
	for (int i = 0; i < count; i++)
		done += redact_again(&caller, &objects[i]);
	if (done > 0)
		see_to_vacuum();
	return done;
}
