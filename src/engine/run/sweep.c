/*
 * sweep.c
 *	  What a keeper does with the queue of its database.
 *
 * It counts crashes against the calls that ran then, fails the calls of roles that
 * no worker can connect as, and tells which roles have calls that are due.  This
 * file runs no call and knows nothing of processes; the keeper commits.
 */
#include "postgres.h"

#include "base/each.h"
#include "engine/run/sweep.h"
#include "engine/run/work.h"
#include "engine/tool/run_as.h"
#include "miscadmin.h"
#include "store/execution.h"
#include "store/queue.h"

/* Count a crash of the server against a queued call that was running. */
void
work_note_crash(int64 execution_id)
{
	Execution *execution = execution_load(execution_id);
	Proposal *proposal;
	QueueRow *queued;

	if (execution == NULL || proposal_lock(execution->proposal_id, true, &proposal) != STORE_LOCKED)
		return;
	queued = queue_load(execution->proposal_id);
	if (queued == NULL || queued->execution_id != execution_id)
		return;
	/* It is not run again, so nothing needs to know. */
	if (execution->status == EXECUTION_RUNNING)
		return;
	queued->crashes++;
	queue_update(queued);
	ereport(LOG, (errmsg("the server crashed while execution " INT64_FORMAT
						 " ran; crashes so far: " INT64_FORMAT,
						 execution_id, queued->crashes)));
}

static bool
note_due(pg_attribute_unused() const QueuedCall *call, void *arg)
{
	*(bool *) arg = true;
	return false;
}

/* Queued calls of a role that no worker can connect as, and why. */
typedef struct Failing
{
	const int64 *ids; /* of their proposals */
	const char *problem;
} Failing;

/* Fail one, and name the role as the tool has it. */
static void
fail_call(int index, void *arg)
{
	const Failing *failing = arg;
	const QueueRow *queued = queue_load(failing->ids[index]);
	const Tool *tool = queued != NULL ? tool_load(queued->tool) : NULL;
	ErrorData error = {.sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   .detail = pstrdup(failing->problem),
					   .hint = pstrdup("Let the role connect, or name another one with "
									   "update_tool(..., run_as => ...); then execute the "
									   "proposal again."),
					   .constraint_name = pstrdup("wfo_role_no_worker")};
	WorkItem item = {.call.proposal_id = failing->ids[index]};
	WorkReport report;

	if (queued == NULL || queued->held)
		return;
	error.message = psprintf("no background worker can run tool \"%s\" as role \"%s\"",
							 queued->tool, tool != NULL ? tool->run_as : "?");
	item.call.execution_id = queued->execution_id;
	work_fail(&item, &error, NULL, &report);
}

/* Fail the due calls of a role that no worker can have, and say why. */
static void
fail_calls_of(Oid role, const char *problem)
{
	int count;
	Failing failing = {.ids = queue_list(false, role, &count), .problem = problem};

	each_item(count, fail_call, &failing);
}

/*
 * Look through the queue: visit each role that has calls, with whether any is
 * due and when the next one will be, 0 for never.
 */
void
work_look(WorkVisitRole visit)
{
	int count;
	Oid *roles = queue_roles(&count);

	for (int i = 0; i < count; i++)
	{
		bool due = false;
		TimestampTz next_due;
		const char *problem = run_as_connect_problem(MyDatabaseId, roles[i]);

		CHECK_FOR_INTERRUPTS();
		if (problem != NULL)
		{
			fail_calls_of(roles[i], problem);
			visit(roles[i], false, queued_visit_due(roles[i], note_due, &due));
			continue;
		}
		next_due = queued_visit_due(roles[i], note_due, &due);
		if (due || next_due != 0)
			visit(roles[i], due, next_due);
	}
}
