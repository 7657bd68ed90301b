/*
 * outcome.c
 *	  What became of an execution, and cancelling it before it has ended.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/errors.h"
#include "engine/caller.h"
#include "engine/queued.h"
#include "engine/state.h"
#include "engine/verbs.h"
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

/* Where an execution stands that ran just now; one without a row was undone. */
ExecutionStatus
execution_status(int64 execution_id)
{
	const Execution *execution = execution_load(execution_id);

	return execution != NULL ? execution->status : EXECUTION_CANCELLED;
}

/* Whether a row is this transaction's, which nobody else sees yet. */
static bool
is_own(const StoredRow *row)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->tuple->t_data));
}

/*
 * The result of an execution, or NULL while it has none: 55000 where it cannot
 * get one, since this transaction has queued or resumed it, which no worker
 * sees before the commit.
 */
Jsonb *
execution_outcome(int64 execution_id)
{
	Execution *execution = execution_require(execution_id);
	const QueueRow *queued;

	if (status_is_final(OBJECT_EXECUTION, execution->status))
		return execution->result;
	queued = queue_load(execution->proposal_id);
	if (is_own(execution->row) || (queued != NULL && is_own(queued->row)))
		report_wrong_state("wfo_not_committed",
						   errmsg("execution " INT64_FORMAT " cannot start before this transaction "
								  "commits",
								  execution_id),
						   errhint("Commit, and wait for it then."));
	return NULL;
}

/*
 * Cancel an execution that has not ended.  One that a worker runs is left to
 * that worker, which only the pool can reach; running says whether the pool
 * knows of it, as it does before there is a row.
 */
CancelOutcome
execution_cancel(int64 execution_id, const int64 *actor_id, const char *reason, bool running,
				 int64 **canceller)
{
	Caller caller;
	const Actor *actor;
	Execution *execution = execution_load(execution_id);
	Proposal *proposal = NULL;
	const QueueRow *queued = NULL;

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	*canceller = NULL;
	if (execution == NULL && !running)
		report_no_execution(execution_id);
	if (execution != NULL && !status_is_final(OBJECT_EXECUTION, execution->status) &&
		proposal_lock(execution->proposal_id, false, &proposal) == STORE_LOCKED)
	{
		queued = queue_load(execution->proposal_id);
		execution = execution_require(execution_id);
	}
	if (execution != NULL && status_is_final(OBJECT_EXECUTION, execution->status))
		report_wrong_state("wfo_execution_ended",
						   errmsg("execution " INT64_FORMAT " has ended", execution_id),
						   errdetail("It is %s.",
									 enum_label(&execution_status_type, execution->status)),
						   errhint("Only what is queued or running can be cancelled."));
	if (actor != NULL)
	{
		caller_check_acts_as(&caller, actor);
		*canceller = palloc(sizeof(int64));
		**canceller = actor->actor_id;
	}
	if (queued == NULL || queued->execution_id != execution_id)
		return CANCEL_RUNNING;
	(void) queued_cancel(proposal, *canceller, reason);
	return CANCEL_DONE;
}
