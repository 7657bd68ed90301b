/*
 * start.c
 *	  The start of a call that is never run twice, kept before its tool is called.
 *
 * A tool with rerun false does what no rollback undoes.  A worker commits the
 * start of its call, an execution that is running, in a transaction of its own,
 * and calls the tool in the next one.  Whoever finds a running execution that no
 * worker has any more knows that it may have happened.
 *
 * A lock that lasts from before the first transaction to after the second tells
 * the two apart: it ends with its process.  It does not replace the lock of the
 * proposal's row, which the second transaction takes anew.
 */
#include "postgres.h"

#include "access/xact.h"
#include "engine/run/start.h"
#include "store/lock.h"
#include "utils/guc.h"

/* Whether the call's start is to be kept before its tool is called. */
bool
start_is_kept(const ApprovedCall *call)
{
	return !call->tool->rerun && (!call->dry_run || call->tool->dry_run_mode == DRY_RUN_ROLLBACK);
}

/*
 * Have the commit wait until the start is on disk, and on the synchronous
 * standbys where there are some: a start that a crash undoes is none.
 */
static void
make_durable(void)
{
	ForceSyncCommit();
	if (synchronous_commit < SYNCHRONOUS_COMMIT_ON)
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}

/* A call of a batch has no place in the queue, where others find it if its worker ends. */
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
 * Write the start of a call, to be committed before the tool is called; queued
 * is NULL where it is not in the queue.  The caller has locked the proposal, and
 * is a worker that releases the locks of its session after the call.  False
 * where another process is about to end the same execution.
 */
bool
start_keep(Execution *execution, const ApprovedCall *call, QueueRow *queued)
{
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
 * Whether nobody runs an execution any more whose start was kept.  Its proposal
 * is locked; the answer holds to the end of the transaction.
 */
bool
start_has_no_end(const Execution *execution)
{
	return store_try_lock_id(LOCK_START, execution->execution_id);
}

/* What such an execution has failed with; cause is a sentence or NULL. */
ErrorData *
start_lost_error(const Execution *execution, const char *cause)
{
	ErrorData *error = palloc0(sizeof(ErrorData));

	error->sqlerrcode = ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN;
	error->constraint_name = pstrdup("wfo_may_have_happened");
	error->message = psprintf("execution " INT64_FORMAT " was started but has not ended, and may "
							  "have happened",
							  execution->execution_id);
	error->detail = psprintf("%s It is not run again, since its tool is registered with rerun "
							 "false.",
							 cause != NULL ? cause : "Its worker or the server ended.");
	error->hint = pstrdup("Find out what the tool has done. If it did nothing, call retry_action "
						  "and execute the proposal again.");
	return error;
}
