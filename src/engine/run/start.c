/*
 * start.c
 *	  The start of a call that is never run twice, kept before its tool is called.
 *
 * This file owns the start of such a call and its lock; running the call is the
 * business of work.c.
 *
 * A tool that is registered with rerun false does things that no rollback undoes.
 * So a worker commits the start of its call, as an execution that is running, in a
 * transaction of its own, and calls the tool in the next one.  A running execution
 * without a worker may have happened.
 *
 * Whether it has a worker is told by a lock that the worker holds from before the
 * first transaction until after the second one; it ends with the process.  It does
 * not replace the lock of the proposal's row, which the second transaction takes
 * again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "engine/run/start.h"
#include "store/lock.h"
#include "utils/guc.h"

/* Whether the start of a call must be kept before its tool is called. */
bool
start_is_kept(const ApprovedCall *call)
{
	return !call->tool->rerun && (!call->dry_run || call->tool->dry_run_mode == DRY_RUN_ROLLBACK);
}

/*
 * Have the commit wait until the start is on disk and on the synchronous standbys,
 * so that no crash undoes it.
 */
static void
make_durable(void)
{
	ForceSyncCommit();
	if (synchronous_commit < SYNCHRONOUS_COMMIT_ON)
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}

/* Put a call of a batch into the queue, where others find it if its worker ends. */
static void
put_in_queue(const Execution *execution, const ApprovedCall *call)
{
	QueueRow row = {.proposal_id = execution->proposal_id,
					.execution_id = execution->execution_id,
					.run_as = call->run_as,
					.due_at = execution->started_at,
					.tool = call->proposal->tool};

	queue_insert(&row);
}

/*
 * Write the start of a call, to be committed before the tool is called; queued is
 * NULL if the call is not in the queue.  The caller is a worker that has locked the
 * proposal and that releases the locks of its session after the call.  Returns
 * false if another process is about to end the same execution.
 */
bool
start_keep(Execution *execution, const ApprovedCall *call, QueueRow *queued)
{
	Assert(IsTransactionState());
	Assert(execution->execution_id != 0);
	Assert(start_is_kept(call));
	if (!store_lock_id_in_session(LOCK_START, execution->execution_id))
		return false;
	execution->status = EXECUTION_RUNNING;
	execution->dry_run = call->dry_run;
	execution->attempt++;
	execution->started_at = GetCurrentTimestamp();
	execution->result = NULL;
	if (queued != NULL)
		execution_update(execution);
	else
	{
		execution_insert(execution);
		put_in_queue(execution, call);
	}
	make_durable();
	return true;
}

/*
 * Whether an execution whose start was kept has no worker any more.  The caller has
 * locked its proposal; the answer holds until the end of the transaction.
 */
bool
start_has_no_end(const Execution *execution)
{
	Assert(execution->status == EXECUTION_RUNNING);
	return store_try_lock_id(LOCK_START, execution->execution_id);
}

/* The error of such an execution; cause is a sentence or NULL. */
ErrorData *
start_lost_error(const Execution *execution, const char *cause)
{
	ErrorData *error = palloc0(sizeof(ErrorData));

	error->sqlerrcode = ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN;
	error->constraint_name = pstrdup("wfo_may_have_happened");
	error->message = psprintf("execution " INT64_FORMAT " was started but has not ended, and may "
							  "have happened",
							  execution->execution_id);
	error->detail = psprintf("%s It is not run again, because its tool is registered with rerun "
							 "false.",
							 cause != NULL ? cause : "Its worker or the server ended.");
	error->hint = pstrdup("Find out what the tool has done. If it did nothing, call retry_action "
						  "and execute the proposal again.");
	return error;
}
