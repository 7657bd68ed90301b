/*
 * redact.c
 *	  Redacts what people wrote in finished proposals.
 *
 * Owns what may be redacted: what is finished and not held.  What a redaction
 * reaches, and how the leaves of the tree stay good, is in audit/redact.c.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/audit/redact_content.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
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

static int
compare_workflow_ids(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return (left > right) - (left < right);
}

/*
 * Lock the workflows that a redaction reaches, in the order of their ids, and refuse
 * those that are held.
 */
static void
lock_workflows(const RedactedLeaves *leaves)
{
	int64 *ids = palloc(Max(leaves->count, 1) * sizeof(int64));
	int64 last = 0; /* rows without a workflow have this */

	for (int i = 0; i < leaves->count; i++)
		ids[i] = leaves->leaves[i].workflow_id;
	qsort(ids, leaves->count, sizeof(int64), compare_workflow_ids);
	for (int i = 0; i < leaves->count; i++)
	{
		if (ids[i] == last)
			continue;
		last = ids[i];
		(void) workflow_lock(last);
		workflow_check_not_held(last);
	}
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

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	proposal = proposal_require(proposal_id);
	check_finished(proposal);
	workflow_check_not_held(proposal->workflow_id);
	if (actor != NULL)
		caller_check_reads_as(&caller, actor);
	protection_check(&caller, "redact_proposal");

	content_collect(proposal, &leaves);
	lock_workflows(&leaves);
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
