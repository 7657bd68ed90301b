/*
 * sweep.c
 *	  What a keeper does with the queue of its database.
 *
 * It counts crashes against the calls that ran then, fails the calls of roles that
 * cannot connect, and tells which roles have calls that are due.
 *
 * This file owns these steps; the keeper commits each of them.  It runs no call, and
 * knows nothing of processes and of the pool.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/each.h"
#include "engine/run/sweep.h"
#include "engine/run/work.h"
#include "engine/tool/run_as.h"
#include "miscadmin.h"
#include "store/execution.h"
#include "store/queue.h"

/* Count a crash of the server against a queued call that was running. */
void
sweep_note_crash(int64 execution_id)
{
	Execution *execution = execution_load(execution_id);
	Proposal *proposal;
	QueueRow *queued;

	if (execution == NULL ||
		proposal_lock(execution->proposal_id, LockWaitBlock, &proposal) != STORE_LOCKED)
		return;
	queued = queue_load(execution->proposal_id);
	if (queued == NULL || queued->execution_id != execution_id)
		return;
	/* A call that has started is not run again, so its crashes do not count. */
	if (execution->status == EXECUTION_RUNNING)
		return;
	queued->crashes++;
	queue_update(queued);
	ereport(LOG, (errmsg("the server crashed while execution " INT64_FORMAT
						 " ran; crashes so far: " INT64_FORMAT,
						 execution_id, queued->crashes)));
}

/* Note that a role has a call that is due, and stop there. */
static bool
note_due(pg_attribute_unused() const QueuedCall *call, void *arg)
{
	*(bool *) arg = true;
	return false;
}

/* Queued calls of a role that cannot connect. */
typedef struct Failing
{
	const int64 *ids;    /* of their proposals */
	const char *problem; /* why it cannot, in a sentence */
	int moved;           /* how many have failed, or wait for their next attempt */
} Failing;

/* Fail one of them; the error names the role as the tool does. */
static void
fail_call(int index, void *arg)
{
	Failing *failing = arg;
	const QueueRow *queued = queue_load(failing->ids[index]);
	const Tool *tool = queued != NULL ? tool_load(queued->tool) : NULL;
	ErrorData error = {.sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   .detail = pstrdup(failing->problem),
					   .hint = pstrdup("Allow the role to connect, or give the tool another "
									   "role with update_tool(..., run_as => ...). Then "
									   "execute the proposal again."),
					   .constraint_name = pstrdup("wfo_role_no_worker")};
	WorkerCall call = {.queued.proposal_id = failing->ids[index]};
	WorkReport report;

	if (queued == NULL || queued->held)
		return;
	error.message = psprintf("no background worker can run tool \"%s\" as role \"%s\"",
							 queued->tool, tool != NULL ? tool->run_as : "?");
	call.queued.execution_id = queued->execution_id;
	work_fail(&call, &error, NULL, &report);
	failing->moved += report.end != WORK_LATER || report.attempted;
}

/* Fail the first due calls of a role that cannot connect: returns whether there may be more. */
static bool
fail_calls_of(Oid role, const char *problem)
{
	int count;
	Failing failing = {.ids = queue_list_due(role, GetCurrentTimestamp(), SWEEP_LIMIT, &count),
					   .problem = problem};

	each_item(count, fail_call, &failing);
	/* Where others have locked all of these, the next poll is early enough. */
	return count == SWEEP_LIMIT && failing.moved > 0;
}

/*
 * Look through the queue: fail the calls of roles that cannot connect, and visit
 * each role that has calls.  Returns whether some of those roles may have further calls
 * to fail.
 */
bool
sweep_queue(RoleQueueVisit visit)
{
	bool more = false;
	int count;
	Oid *roles = queue_roles(&count);

	Assert(IsTransactionState());
	for (int i = 0; i < count; i++)
	{
		RoleQueue queue = {.role = roles[i]};
		const char *problem = run_as_connect_problem(MyDatabaseId, roles[i]);

		CHECK_FOR_INTERRUPTS();
		if (problem != NULL)
			more |= fail_calls_of(roles[i], problem);
		queue.next_due = queued_visit_due(roles[i], NULL, note_due, &queue.has_due);
		/* No worker could run what is due; the next visit looks again. */
		if (problem != NULL)
			queue.has_due = false;
		if (problem != NULL || queue.has_due || queue.next_due != 0)
			visit(&queue);
	}
	return more;
}
