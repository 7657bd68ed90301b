/*
 * workflow_join.c
 *	  Workflows that the transaction has proposed something in.
 *
 * A session that ends a workflow does not see uncommitted proposals of other
 * sessions in it, so proposing shares a lock that ending the workflow takes
 * exclusively.  But a transaction may stay open for any time, and ending the
 * workflow waits for it only for a while and then goes ahead.  So transactions
 * that have proposed look once more when they commit or prepare: a commit is
 * refused if the workflow has ended in the meantime.
 *
 * A second lock makes that safe.  Transactions that have proposed share it from
 * this last look until the end of their commit, which is a moment.  A session
 * that ends the workflow takes it exclusively before it looks for open
 * proposals, and keeps it until its commit.  A prepared transaction keeps both
 * locks; the workflow cannot be ended until it is finished.
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

/* Time that ending a workflow waits for transactions that propose in it, in ms. */
#define PATIENCE 2000

/* The ids of joined workflows, or NULL.  A rollback may have undone some of the proposals. */
static HTAB *joined = NULL;

/*
 * Join a workflow before a call is proposed in it.  Waits while another session
 * ends the workflow; the caller then reads whether it is active.
 */
void
workflow_join(int64 workflow_id)
{
	store_lock_id(LOCK_WORKFLOW, workflow_id, LOCK_SHARED);
}

/* Have the commit check a joined workflow in which a call has been proposed. */
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
 * Exclude proposals in a workflow that is to end, including those of
 * transactions that take too long to wait for.  Afterwards this transaction
 * sees all proposals that can be open.
 */
void
workflow_exclude(int64 workflow_id)
{
	(void) store_lock_id_within(LOCK_WORKFLOW, workflow_id, LOCK_EXCLUSIVE, PATIENCE);
	store_lock_id(LOCK_WORKFLOW_COMMIT, workflow_id, LOCK_EXCLUSIVE);
}

/* Whether this transaction has ended the workflow itself: it has seen its own proposals. */
static bool
is_own_change(const Workflow *workflow)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(workflow->row->tuple
																		  ->t_data));
}

/* Refuse to commit a proposal in a workflow that has ended since: 55000. */
static void
check_joined(int64 workflow_id)
{
	const Workflow *workflow;

	/* The mark is undone with the subtransaction, as the proposal is. */
	if (!store_lock_is_marked(LOCK_WORKFLOW_COMMIT, workflow_id))
		return;
	store_lock_id(LOCK_WORKFLOW_COMMIT, workflow_id, LOCK_SHARED);
	workflow = workflow_require(workflow_id);
	if (workflow->status == WORKFLOW_ACTIVE || is_own_change(workflow))
		return;
	refusal_begin_statement("COMMIT", NULL);
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
