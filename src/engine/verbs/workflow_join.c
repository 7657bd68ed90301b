/*
 * workflow_join.c
 *	  Workflows that the transaction has proposed something in.
 *
 * Whoever ends a workflow does not see what others have proposed in it and not
 * committed, so proposing shares a lock that ending it excludes.  But a
 * transaction may stay open for as long as somebody likes, and who ends the
 * workflow waits for it only so long, and then ends the workflow without it.  So
 * proposers look once more when they commit or prepare: one whose workflow has
 * ended meanwhile is refused.
 *
 * A second lock makes that safe.  Proposers share it from this last look to the
 * end of their commit, which is a moment; who ends the workflow has it
 * exclusively before they look for what is open, and until they have committed.
 * A prepared transaction keeps both; with one the workflow cannot be ended.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/errors.h"
#include "engine/state.h"
#include "engine/verbs/workflow_join.h"
#include "store/lock.h"
#include "store/table.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* How long who ends a workflow waits for those who propose in it, in ms. */
#define PATIENCE 2000

/* The ids of workflows to check, some perhaps undone by a rollback since; NULL: none. */
static HTAB *joined = NULL;

/*
 * Join a workflow, in which a call is about to be proposed.  Waits while another
 * session ends it: the caller reads whether it is active after that.
 */
void
workflow_join(int64 workflow_id)
{
	store_lock_id(LOCK_WORKFLOW, workflow_id, LOCK_SHARED);
}

/* Have the commit check a joined workflow, in which a call is proposed now. */
void
workflow_check_at_commit(int64 workflow_id)
{
	if (joined == NULL)
	{
		HASHCTL ctl = {.keysize = sizeof(int64), .entrysize = sizeof(int64)};

		ctl.hcxt = TopTransactionContext;
		joined = hash_create("workflows that were joined", 16, &ctl,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(joined, &workflow_id, HASH_ENTER, NULL);
	store_lock_mark(LOCK_WORKFLOW_COMMIT, workflow_id);
}

/*
 * Exclude proposals in a workflow that is to end, those included whose
 * transactions go on for too long to wait for them.  What this transaction sees
 * after that is all that can be open.
 */
void
workflow_exclude(int64 workflow_id)
{
	(void) store_lock_id_within(LOCK_WORKFLOW, workflow_id, LOCK_EXCLUSIVE, PATIENCE);
	store_lock_id(LOCK_WORKFLOW_COMMIT, workflow_id, LOCK_EXCLUSIVE);
}

/* Whether this very transaction has changed the workflow: it has seen its own proposals. */
static bool
is_own_change(const Workflow *workflow)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(workflow->row->tuple
																		  ->t_data));
}

/* Refuse to commit what was proposed in a workflow that has ended since: 55000. */
static void
check_joined(int64 workflow_id)
{
	const Workflow *workflow;

	/* The mark goes with a subtransaction that is rolled back, as the proposal does. */
	if (!store_lock_is_marked(LOCK_WORKFLOW_COMMIT, workflow_id))
		return;
	store_lock_id(LOCK_WORKFLOW_COMMIT, workflow_id, LOCK_SHARED);
	workflow = workflow_require(workflow_id);
	if (workflow->status == WORKFLOW_ACTIVE || is_own_change(workflow))
		return;
	report_wrong_state("wfo_workflow_ended",
					   errmsg("workflow " INT64_FORMAT " has ended while the transaction proposed "
							  "a call in it",
							  workflow_id),
					   errdetail("Its status is %s.",
								 enum_label(&workflow_status_type, workflow->status)),
					   errhint("Propose the call again, in another workflow."));
}

static void
check_all_joined(void)
{
	HASH_SEQ_STATUS status;
	int64 *workflow_id;

	/* The transaction may have dropped the extension. */
	if (joined == NULL || !store_exists())
		return;
	hash_seq_init(&status, joined);
	while ((workflow_id = hash_seq_search(&status)) != NULL)
		check_joined(*workflow_id);
}

static void
at_transaction_event(XactEvent event, pg_attribute_unused() void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			check_all_joined();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			joined = NULL;
			break;
		default:
			break;
	}
}

void
workflow_join_define(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
}
