/*
 * outcome.c
 *	  What became of an execution, or of a proposal, for somebody who waits.
 *
 * It looks without a trace: it takes no lock that it would wait for, and leaves
 * no lock and no snapshot behind (base/peek.c).  Waiting is the business of
 * src/worker.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/errors.h"
#include "base/peek.h"
#include "engine/identity/readable.h"
#include "engine/state.h"
#include "engine/verbs/outcome.h"
#include "store/execution.h"
#include "store/queue.h"

static void
report_no_execution(int64 execution_id)
{
	report_unknown("wfo_unknown_execution",
				   errmsg("execution " INT64_FORMAT " does not exist", execution_id),
				   errhint("The table workflow_orch.execution lists the executions."));
}

static Execution *
execution_require(int64 execution_id)
{
	Execution *execution = execution_load(execution_id);

	if (execution == NULL)
		report_no_execution(execution_id);
	return execution;
}

/* Whether a row is this transaction's, which nobody else sees yet. */
static bool
is_of_this_transaction(const StoredRow *row)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->tuple->t_data));
}

/*
 * The result of an execution, or NULL while it has none. 55000 if it cannot get
 * one because this transaction has queued or resumed it: no worker sees that
 * before the commit.
 */
static Jsonb *
outcome(int64 execution_id, int64 *proposal_id)
{
	Execution *execution = execution_require(execution_id);
	const QueueRow *queued;

	*proposal_id = execution->proposal_id;
	if (status_is_final(OBJECT_EXECUTION, execution->status))
		return execution->result;
	queued = queue_load(execution->proposal_id);
	if (is_of_this_transaction(execution->row) ||
		(queued != NULL && is_of_this_transaction(queued->row)))
		report_wrong_state("wfo_not_committed",
						   errmsg("execution " INT64_FORMAT " cannot start before this transaction "
								  "commits",
								  execution_id),
						   errhint("Commit the transaction before you wait."));
	return NULL;
}

typedef struct Look
{
	int64 execution_id;
	int64 *proposal_id;
	Jsonb *result;
} Look;

static void
look_at_execution(void *arg)
{
	Look *own = arg;

	if (store_try_lock_shared(STORE_EXECUTION) && store_try_lock_shared(STORE_QUEUE))
		own->result = outcome(own->execution_id, own->proposal_id);
}

/*
 * Look up what became of an execution, for a session that waits: its result in
 * the current memory context, or NULL.  Sets proposal_id if the execution was
 * seen.
 *
 * Waits for no lock, and leaves neither locks nor a snapshot behind.  Sees
 * nothing if a table is locked or somebody waits for it.
 */
Jsonb *
execution_outcome(int64 execution_id, int64 *proposal_id)
{
	Look own = {.execution_id = execution_id, .proposal_id = proposal_id};

	peek(look_at_execution, &own);
	return own.result;
}

typedef struct ProposalLook
{
	int64 proposal_id;
	ProposalStatus status;
	bool seen;
} ProposalLook;

static void
look_at_proposal(void *arg)
{
	ProposalLook *own = arg;
	Caller caller;
	const Proposal *proposal;

	if (!store_try_lock_shared(STORE_PROPOSAL))
		return;
	caller_identify(&caller);
	proposal = readable_proposal_require(&caller, NULL, own->proposal_id, "wait for");
	own->status = proposal_status_now(proposal);
	own->seen = true;
	if (proposal_status_is_open(own->status) && is_of_this_transaction(proposal->row))
		report_wrong_state("wfo_not_committed",
						   errmsg("proposal " INT64_FORMAT " cannot be decided before this "
								  "transaction commits",
								  own->proposal_id),
						   errhint("Commit the transaction before you wait."));
}

/*
 * Look up the status of a proposal by the clock, for a session that waits and
 * may read it: false if the table is locked. 55000 if this transaction has
 * changed an open proposal: no other session sees that before the commit.
 * Leaves neither locks nor a snapshot behind.
 */
bool
proposal_outcome(int64 proposal_id, ProposalStatus *status)
{
	ProposalLook own = {.proposal_id = proposal_id};

	peek(look_at_proposal, &own);
	*status = own.status;
	return own.seen;
}
