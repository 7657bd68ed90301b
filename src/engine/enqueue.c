/*
 * enqueue.c
 *	  Hands an approved call to the background workers.
 *
 * The call is queued in the caller's transaction, and a worker may start it
 * when that commits.  Everything is checked here as execute_action would, so
 * that what cannot run is refused at once, and again when it starts.
 */
#include "postgres.h"

#include "engine/approved.h"
#include "engine/caller.h"
#include "engine/queued.h"
#include "engine/run_as.h"
#include "engine/verbs.h"
#include "store/execution.h"
#include "store/queue.h"

/*
 * Queue the call of an approved proposal: fills in the call, and the role
 * whose workers run it.
 */
void
enqueue(const EnqueueRequest *request, QueuedCall *queued, Oid *role)
{
	Caller caller;
	ApprovedCall call;
	const Actor *actor;
	Execution execution = {.status = EXECUTION_QUEUED};
	QueueRow row = {0};

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, request->actor_id);
	approved_load(&call, approved_lock(request->proposal_id));
	if (actor != NULL)
		caller_check_acts_as(&caller, actor);
	approved_check_role(&call);
	run_as_check_worker(call.tool, call.run_as);

	execution.execution_id = store_next_id(STORE_EXECUTION);
	execution.proposal_id = request->proposal_id;
	execution.workflow_id = call.proposal->workflow_id;
	execution.revision = call.proposal->revision;
	execution.actor_id = actor != NULL ? &actor->actor_id : NULL;
	execution.dry_run = call.dry_run;
	execution.queued_at = GetCurrentTimestamp();
	if (request->run_at != 0)
		execution.queued_at = Max(execution.queued_at, request->run_at);
	execution.login = caller.login_name;
	execution_insert(&execution);

	row.proposal_id = request->proposal_id;
	row.execution_id = execution.execution_id;
	row.run_as = call.run_as;
	row.priority = request->priority;
	row.due_at = execution.queued_at;
	row.tool = call.proposal->tool;
	queue_insert(&row);

	queued->proposal_id = row.proposal_id;
	queued->execution_id = row.execution_id;
	queued->priority = row.priority;
	queued->due_at = row.due_at;
	queued->suspect = false;
	*role = call.run_as;
}
