/*
 * enqueue.c
 *	  Hands an approved call to the background workers.
 *
 * The call is queued in the caller's transaction, and a worker may start it
 * after the commit.  Everything is checked here as in execute_action, so that a
 * call that cannot run is refused at once, and again when it starts.  Freezes
 * are not checked: the call waits for their end.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/subtransaction.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/capability.h"
#include "engine/run/approved.h"
#include "engine/run/queued.h"
#include "engine/tool/run_as.h"
#include "engine/state.h"
#include "engine/verbs/enqueue.h"
#include "store/execution.h"
#include "store/queue.h"

/* Write the execution and its place in the queue: returns the execution's id. */
static int64
queue_call(const ApprovedCall *call, const Caller *caller, const int64 *actor_id,
		   TimestampTz run_at, int64 priority)
{
	Execution execution = approved_execution(call->proposal, actor_id, caller->login_name);
	QueueRow row = {0};
	QueuedCall queued;

	Assert(call->proposal->status == PROPOSAL_APPROVED && OidIsValid(call->run_as));
	execution.execution_id = store_next_id(STORE_EXECUTION);
	execution.status = EXECUTION_QUEUED;
	execution.dry_run = call->dry_run;
	execution.queued_at = GetCurrentTimestamp();
	if (run_at != 0)
		execution.queued_at = Max(execution.queued_at, run_at);

	/* The audit row of the execution says how it is queued. */
	row.proposal_id = execution.proposal_id;
	row.proposed_by = execution.proposed_by;
	row.execution_id = execution.execution_id;
	row.run_as = call->run_as;
	row.priority = priority;
	row.due_at = execution.queued_at;
	row.tool = call->proposal->tool;
	queue_insert(&row);
	execution_insert(&execution);

	queued = queued_call(&row);
	queued_hook(&queued, call->run_as);
	return execution.execution_id;
}

/* Check a call that is to be queued, as its proposal stands. */
static void
check_queueable_call(const Caller *caller, ApprovedCall *call, Proposal *proposal,
					 const Actor *actor)
{
	approved_load(call, proposal);
	tool_check_worker(call->tool);
	queued_check_workers();
	if (actor != NULL)
		caller_check_acts_as(caller, actor);
	approved_check_role(call);
	run_as_check_worker(call->tool, call->run_as);
}

/*
 * Queue the call of an approved proposal: returns the execution's id.
 *
 * Locks: the proposal's row, without waiting.  A caller that may not act as the
 * actor is refused before.
 */
int64
enqueue(const EnqueueRequest *request)
{
	Caller caller;
	Proposal *proposal;
	ApprovedCall call;
	const Actor *actor;

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, request->actor_id);
	if (!caller_may_act(&caller, actor))
		check_queueable_call(&caller, &call, approved_require(request->proposal_id), actor);
	proposal = approved_lock(request->proposal_id);
	actor = caller_read_again(&caller, actor);
	check_queueable_call(&caller, &call, proposal, actor);
	return queue_call(&call, &caller, actor != NULL ? &actor->actor_id : NULL, request->run_at,
					  request->priority);
}

/*
 * Refuse if the proposer may no longer have calls executed.  What a gateway
 * proposed for an actor rested on the gateway's capability and not on one of
 * the actor's role.
 */
static void
check_proposer(const Proposal *proposal)
{
	const Actor *actor = actor_require(proposal->actor_id);

	actor_check_active(actor);
	if (actor->db_role != NULL && proposal->proposer.login != NULL &&
		(actor_role_name(actor) == NULL ||
		 !capability_is_held(actor->db_role_oid, CAPABILITY_EXECUTE)))
		report_denied("wfo_capability_missing",
					  errmsg("role \"%s\" may no longer have calls executed", actor->db_role),
					  errdetail("Actor " INT64_FORMAT ", who proposed it, is bound to the role.",
								actor->actor_id));
}

static void
queue_for_proposer(void *arg)
{
	Proposal *proposal = arg;
	Caller caller;
	ApprovedCall call;

	caller_identify(&caller);
	check_proposer(proposal);
	approved_load(&call, proposal);
	queued_check_workers();
	approved_check_role(&call);
	run_as_check_worker(call.tool, call.run_as);
	(void) queue_call(&call, &caller, &proposal->actor_id, 0, 0);
}

/*
 * Queue the call of a proposal that has just been approved, if it was proposed
 * with execute_on_approval.  If that fails, the approval stands and a warning
 * says why.
 */
void
enqueue_when_approved(Proposal *proposal)
{
	ErrorData *error;

	if (!proposal->execute_on_approval || proposal->status != PROPOSAL_APPROVED)
		return;
	refusal_hush();
	error = subtransaction_try(queue_for_proposer, proposal);
	refusal_speak();
	if (error == NULL)
		return;
	if (error_ends_statement(error))
		ReThrowError(error);
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("proposal " INT64_FORMAT " is approved, but was not queued",
							 proposal->proposal_id),
					  errdetail("%s", error->message),
					  errhint("Execute it with execute_action or enqueue_action.")));
}
