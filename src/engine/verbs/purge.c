/*
 * purge.c
 *	  Purges workflows that ended long ago.
 *
 * Owns which workflows go in one transaction: those whose end is longest ago, up to
 * a number of proposals, without those that are held or not done with.  How they are
 * deleted, and what stays of them, is in audit/purge.c.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/grow.h"
#include "base/settings.h"
#include "engine/audit/purge.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/verbs/purge.h"
#include "miscadmin.h"
#include "store/break_glass.h"
#include "store/hold.h"
#include "store/lock.h"
#include "store/queue.h"
#include "store/standing.h"
#include "store/workflow.h"
#include "utils/memutils.h"

/* Why a workflow is left. */
typedef enum LeftBecause
{
	NOT_LEFT,
	LEFT_GONE, /* another session has purged it meanwhile */
	LEFT_HELD,
	LEFT_BUSY,
	LEFT_OPEN,
	LEFT_BREAK_GLASS,
	LEFT_STANDING,
	LEFT_NOT_SEALED,
	LEFT_NOT_AS_SEALED,
	LEFT_COUNT
} LeftBecause;

static const char *const left_because[LEFT_COUNT] = {
	[LEFT_HELD] = "A legal hold stands on each of them.",
	[LEFT_BUSY] = "Another session has a lock on each of them.",
	[LEFT_OPEN] = "Each of them has a proposal that is open, or a call that is queued.",
	[LEFT_BREAK_GLASS] = "Each of them has a break glass that nobody has reviewed.",
	[LEFT_STANDING] = "Each of them has a proposal that a standing approval in force rests on.",
	[LEFT_NOT_SEALED] = "Each of them has an audit row that is not sealed.",
	[LEFT_NOT_AS_SEALED] = "Each of them has a row that was changed; verify_audit_log names it.",
};

/* The choice of what one transaction purges. */
typedef struct Choice
{
	StoreScan scan; /* of the workflows that ended before the time */
	int64 limit;    /* of proposals */
	int64 cost;     /* of the batch; a workflow without proposals counts as one */
	int64 next;     /* a workflow that was too much for the last batch; 0: none */
	PurgeBatch batch;
	MemoryContext memory;     /* of the batch */
	MemoryContext one;        /* of one workflow */
	int64 counts[LEFT_COUNT]; /* of those that are left */
	int64 oldest[LEFT_COUNT]; /* of these, the one whose end is longest ago */
} Choice;

static void
check_arguments(TimestampTz ended_before, int64 limit)
{
	if (TIMESTAMP_NOT_FINITE(ended_before) || ended_before > GetCurrentTimestamp())
		report_invalid("wfo_not_past", errmsg("ended_before must be a time in the past"),
					   errhint("Workflows that ended before then are purged."));
	if (limit < 1)
		report_invalid("wfo_batch_too_small", errmsg("batch must be at least 1"),
					   errdetail("It is the largest number of proposals that one transaction "
								 "purges."));
}

static void
check_retention(TimestampTz ended_before)
{
	TimestampTz kept_from = GetCurrentTimestamp() - setting_min_retention * USECS_PER_MINUTE;

	if (ended_before > kept_from)
		report_wrong_state("wfo_retention",
						   errmsg("workflows that ended after %s are not purged yet",
								  timestamptz_to_str(kept_from)),
						   errdetail("The setting workflow_orch.min_retention is %s.",
									 GetConfigOptionByName("workflow_orch.min_retention", NULL,
														   false)),
						   errhint("Let ended_before be a time before then."));
}

/*
 * Why a proposal keeps its workflow from being purged.  The workflow is locked; one
 * that has failed could still be withdrawn, so it is locked as well.
 */
static LeftBecause
left_for_proposal(PurgedProposal *proposal)
{
	if (proposal->status == PROPOSAL_FAILED)
	{
		Proposal *locked;

		if (proposal_lock(proposal->proposal_id, LockWaitSkip, &locked) != STORE_LOCKED)
			return LEFT_BUSY;
		proposal->status = locked->status;
	}
	if (proposal_status_is_open(proposal->status) || queue_load(proposal->proposal_id) != NULL)
		return LEFT_OPEN;
	return proposal->is_standing && standing_is_made_by(proposal->proposal_id) ? LEFT_STANDING
																			   : NOT_LEFT;
}

/*
 * Lock a workflow, unless it is held, which left_for_state() looks at again with the
 * lock, or that is not possible.
 */
static LeftBecause
left_for_lock(int64 workflow_id)
{
	if (hold_find(workflow_id) != NULL)
		return LEFT_HELD;
	switch (workflow_lock_to_purge(workflow_id))
	{
		case STORE_LOCKED:
			return NOT_LEFT;
		case STORE_BUSY:
			return LEFT_BUSY;
		case STORE_GONE:
			return LEFT_GONE;
	}
	return LEFT_BUSY;
}

/* Why a workflow that is locked is left, as far as its audit rows do not matter. */
static LeftBecause
left_for_state(const PurgedWorkflow *workflow)
{
	if (hold_find(workflow->workflow_id) != NULL)
		return LEFT_HELD;
	if (break_glass_is_open_in(workflow->workflow_id))
		return LEFT_BREAK_GLASS;
	for (int i = 0; i < workflow->nproposals; i++)
	{
		LeftBecause because = left_for_proposal(&workflow->proposals[i]);

		CHECK_FOR_INTERRUPTS();
		if (because != NOT_LEFT)
			return because;
	}
	return NOT_LEFT;
}

static void
leave(Choice *choice, LeftBecause because, int64 workflow_id)
{
	if (choice->counts[because]++ == 0)
		choice->oldest[because] = workflow_id;
}

/* Add a workflow to the batch, with a copy of its proposals. */
static void
add_to_batch(Choice *choice, const PurgedWorkflow *workflow)
{
	PurgeBatch *batch = &choice->batch;
	MemoryContext old = MemoryContextSwitchTo(choice->memory);
	PurgedWorkflow *added;

	GROW_ARRAY(batch->workflows, batch->nworkflows, batch->size);
	added = &batch->workflows[batch->nworkflows++];
	*added = *workflow;
	added->proposals = MemoryContextAllocHuge(choice->memory, Max(workflow->nproposals, 1) *
																  sizeof(PurgedProposal));
	for (int i = 0; i < workflow->nproposals; i++)
	{
		added->proposals[i] = workflow->proposals[i];
		if (workflow->proposals[i].idempotency_key != NULL)
			added->proposals[i].idempotency_key = pstrdup(workflow->proposals[i].idempotency_key);
	}
	MemoryContextSwitchTo(old);
	batch->nproposals += workflow->nproposals;
}

/*
 * Look at one workflow: take it into the batch, leave it, or return false if it is too
 * much for the batch.  A batch without any proposal goes on, since the caller takes 0
 * for the end.  The number of its proposals does not change any more, so what is too
 * much is not locked.
 */
static bool
consider(Choice *choice, int64 workflow_id)
{
	PurgedWorkflow workflow = {.workflow_id = workflow_id, .verdict = PURGE_AS_SEALED};
	LeftBecause because;
	int64 cost;

	workflow.proposals = proposal_list_to_purge(workflow_id, &workflow.nproposals);
	cost = Max(workflow.nproposals, 1);
	if (choice->batch.nproposals > 0 && cost > choice->limit - choice->cost)
		return false;
	because = left_for_lock(workflow_id);
	if (because == NOT_LEFT)
		because = left_for_state(&workflow);
	if (because == NOT_LEFT)
	{
		add_to_batch(choice, &workflow);
		choice->cost += cost;
	}
	else if (because != LEFT_GONE)
		leave(choice, because, workflow_id);
	return true;
}

static bool
next_candidate(Choice *choice, int64 *workflow_id)
{
	if (choice->next == 0)
		return workflow_scan_ended_next(&choice->scan, workflow_id);
	*workflow_id = choice->next;
	choice->next = 0;
	return true;
}

/* Fill the batch.  Returns false if it takes all that is left. */
static bool
fill_batch(Choice *choice)
{
	int64 workflow_id;
	bool fits = true;

	memset(&choice->batch, 0, sizeof(PurgeBatch));
	choice->cost = 0;
	MemoryContextReset(choice->memory);
	while (fits && next_candidate(choice, &workflow_id))
	{
		MemoryContext old = MemoryContextSwitchTo(choice->one);

		CHECK_FOR_INTERRUPTS();
		fits = consider(choice, workflow_id);
		MemoryContextSwitchTo(old);
		MemoryContextReset(choice->one);
		if (!fits)
			choice->next = workflow_id;
	}
	return !fits;
}

static bool
leave_as_sealed(Choice *choice)
{
	bool any = false;

	for (int i = 0; i < choice->batch.nworkflows; i++)
	{
		const PurgedWorkflow *workflow = &choice->batch.workflows[i];

		if (workflow->verdict == PURGE_AS_SEALED)
			any = true;
		else
			leave(choice,
				  workflow->verdict == PURGE_NOT_SEALED ? LEFT_NOT_SEALED : LEFT_NOT_AS_SEALED,
				  workflow->workflow_id);
	}
	return any;
}

/* Choose a batch of which at least one workflow is purged, unless there is none. */
static void
choose_batch(Choice *choice)
{
	bool more;

	do
	{
		MemoryContext old;

		more = fill_batch(choice);
		old = MemoryContextSwitchTo(choice->memory);
		purge_check_rows(&choice->batch);
		MemoryContextSwitchTo(old);
	} while (!leave_as_sealed(choice) && more);
}

/* Say what was left, and why, of the workflows that were looked at. */
static void
report_left(const Choice *choice)
{
	for (int because = NOT_LEFT + 1; because < LEFT_COUNT; because++)
		if (choice->counts[because] > 0)
			ereport(NOTICE, (errmsg("workflows that were not purged: " INT64_FORMAT,
									choice->counts[because]),
							 errdetail("%s The first of them is workflow " INT64_FORMAT ".",
									   left_because[because], choice->oldest[because])));
}

static void
choice_begin(Choice *choice, TimestampTz ended_before, int64 limit)
{
	memset(choice, 0, sizeof(Choice));
	choice->limit = limit;
	choice->memory = AllocSetContextCreate(CurrentMemoryContext, "workflows to purge",
										   ALLOCSET_DEFAULT_SIZES);
	choice->one = AllocSetContextCreate(CurrentMemoryContext, "workflow to purge",
										ALLOCSET_DEFAULT_SIZES);
	workflow_scan_ended_begin(&choice->scan, ended_before);
}

/*
 * Purge workflows that ended before a time, and return how many proposals they had: up
 * to a limit, or one workflow with more.  0: nothing is left that may be purged.
 *
 * Locks: the workflows and their failed proposals, without waiting; at the end rounds
 * of sealing, so that these wait for the commit only.
 */
int64
workflows_purge(TimestampTz ended_before, const int64 *actor_id, const char *reason, int64 limit)
{
	Purge purge = {.ended_before = ended_before};
	AuditEntry entry = {.action = "purge_workflows"};
	Caller caller;
	const Actor *actor;
	Choice choice;

	check_arguments(ended_before, limit);
	caller_identify(&caller);
	protection_check(&caller, "purge_workflows");
	actor = caller_actor_or_null(&caller, actor_id);
	check_retention(ended_before);
	if (actor != NULL)
		caller_check_acts_as(&caller, actor);

	choice_begin(&choice, ended_before, limit);
	choose_batch(&choice);
	store_scan_end(&choice.scan);
	purge.purged_at = GetCurrentTimestamp();
	purge.purged_by = actor != NULL ? &actor->actor_id : NULL;
	entry.actor_id = purge.purged_by;
	entry.login = caller.login;
	entry.db_role = caller.role;
	purge_batch(&choice.batch, &purge, &entry, reason);
	report_left(&choice);
	if (purge.workflows == 0)
		return 0;

	store_lock_id(LOCK_SEAL, 0, LOCK_EXCLUSIVE);
	actor = caller_read_again(&caller, actor);
	if (actor != NULL)
		caller_check_acts_as(&caller, actor);
	purge_salts(&choice.batch);
	return purge.proposals;
}
