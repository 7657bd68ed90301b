/*
 * approved.c
 *	  An approved call: whether it may run now, and running it.
 *
 * It owns the checks and the run that every way to execute a call shares, in a
 * session or in a background worker.  The caller locks the proposal, decides
 * who may ask for the call, and writes its result.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/log_limit.h"
#include "commands/dbcommands.h"
#include "engine/identity/caller.h"
#include "engine/run/approved.h"
#include "engine/run/built_in.h"
#include "engine/run/finish.h"
#include "engine/sandbox/deadline.h"
#include "engine/state.h"
#include "engine/tool/invoke.h"
#include "engine/tool/row_limit.h"
#include "engine/tool/run_as.h"
#include "engine/tool/simulate.h"
#include "miscadmin.h"
#include "model/built_in.h"
#include "store/queue.h"
#include "store/standing.h"

/*
 * The row of an execution of a proposal, for an actor or, where actor_id is NULL,
 * for nobody in particular.  The caller sets id, status, times and result.
 */
Execution
approved_execution(const Proposal *proposal, const int64 *actor_id, const char *login)
{
	return (Execution){.proposal_id = proposal->proposal_id,
					   .proposed_by = proposal->actor_id,
					   .workflow_id = proposal->workflow_id,
					   .revision = proposal->revision,
					   .actor_id = actor_id,
					   .login = login};
}

/* Refuse a proposal whose call waits for a worker or runs in one: 55000. */
void
approved_check_not_queued(int64 proposal_id)
{
	const QueueRow *queued = queue_load(proposal_id);

	if (queued != NULL)
		report_wrong_state("wfo_queued",
						   errmsg("proposal " INT64_FORMAT " is already queued", proposal_id),
						   errdetail("Execution " INT64_FORMAT
									 " waits for a background worker or runs in one.",
									 queued->execution_id),
						   errhint("Wait for it with wait_execution, or cancel it with "
								   "cancel_execution."));
}

/* The proposal, which is not queued. */
Proposal *
approved_require(int64 proposal_id)
{
	Proposal *proposal = proposal_require(proposal_id);

	approved_check_not_queued(proposal_id);
	return proposal;
}

/* The same, locked without waiting. */
Proposal *
approved_lock(int64 proposal_id)
{
	Proposal *proposal;
	StoreLock outcome = proposal_lock(proposal_id, LockWaitSkip, &proposal);

	if (outcome == STORE_BUSY)
		approved_check_not_queued(proposal_id);
	if (outcome != STORE_LOCKED)
		proposal = proposal_require_lock_now(proposal_id);
	approved_check_not_queued(proposal_id);
	return proposal;
}

/* Refuse a call that a standing approval has approved which was ended since: 55000. */
void
approved_check_standing(const Proposal *proposal)
{
	const Standing *standing;

	if (proposal->standing_id == NULL)
		return;
	standing = standing_load(*proposal->standing_id);
	if (standing == NULL || standing->ended)
		report_wrong_state("wfo_standing_ended",
						   errmsg("standing approval " INT64_FORMAT " of proposal " INT64_FORMAT
								  " was ended",
								  *proposal->standing_id, proposal->proposal_id),
						   errhint("Propose the call again."));
}

static void
check_status(const Proposal *proposal)
{
	ProposalStatus now = proposal_status_now(proposal);

	if (now == PROPOSAL_APPROVED)
	{
		approved_check_standing(proposal);
		return;
	}
	proposal_report_state(proposal, "wfo_not_approved", "approved",
						  now == PROPOSAL_PENDING  ? "A reviewer must approve it first, with "
													 "review_action."
						  : now == PROPOSAL_FAILED ? "retry_action makes it approved again."
												   : "Propose the call again.");
}

/*
 * Read what the call of a proposal needs to run, and refuse a tool that is
 * disabled or has changed: 55000.  Does not ask whether the proposal is
 * approved.
 */
void
approved_read(ApprovedCall *call, Proposal *proposal)
{
	call->proposal = proposal;
	call->tool = tool_require(proposal->tool);
	tool_check_enabled(call->tool);
	call->definition = definition_load(call->tool);
	definition_check_pinned(call->tool, call->definition, proposal->definition,
							proposal->proposal_id);
	call->max_rows = row_limit_of_proposal(proposal, call->tool, call->definition);
	call->policy = policy_load();
	definition_check_confirmed(call->tool, call->policy);
	if (call->tool->built_in)
		call->tool = built_in_tool(call->tool, actor_require(proposal->actor_id), proposal->params);
	call->run_as = call->tool->built_in ? call->tool->run_as_oid : run_as_current(call->tool);
	call->dry_run = !call->tool->built_in && (call->policy->dry_run || proposal->dry_run);
}

/*
 * The same, and refuse a proposal that is not approved: 55000.  Callers that
 * run it at once must also call freeze_check().
 */
void
approved_load(ApprovedCall *call, Proposal *proposal)
{
	check_status(proposal);
	approved_read(call, proposal);
}

/* Refuse a tool that does not run in sessions: 55000. */
void
approved_check_session(const ApprovedCall *call)
{
	if (!call->tool->in_session)
		report_wrong_state("wfo_not_in_session",
						   errmsg("tool \"%s\" does not run in a session", call->tool->tool),
						   errhint("Run it in a background worker, with enqueue_action."));
}

/* Refuse a role that a tool may not run as, or a proposer who may not have it called: 42501. */
void
approved_check_role(const ApprovedCall *call)
{
	if (call->tool->built_in)
		built_in_check_proposer(call->tool->tool, actor_require(call->proposal->actor_id));
	else
		run_as_check(call->definition, call->run_as);
}

/*
 * Log the start, which no rollback removes from the log.  A proposal starts
 * once or a few times; it starts more often only in dry runs, or if it is
 * rolled back in a loop.
 */
static void
log_execution_start(const ApprovedCall *call, const Run *run)
{
	const Proposal *proposal = call->proposal;

	if (!log_limit_pass("execution starts", proposal->proposal_id))
		return;
	ereport(LOG_SERVER_ONLY,
			(errhidestmt(true), errhidecontext(true),
			 errmsg("execution " INT64_FORMAT " of proposal " INT64_FORMAT " revision " INT64_FORMAT
					" starts: tool \"%s\" as role \"%s\" for actor %s in database \"%s\"%s",
					run->execution_id, proposal->proposal_id, proposal->revision, call->tool->tool,
					call->tool->run_as,
					run->actor != NULL ? psprintf(INT64_FORMAT, run->actor->actor_id) : "(none)",
					get_database_name(MyDatabaseId), call->dry_run ? " (dry run)" : "")));
}

/*
 * Call the tool, and check afterwards that it is still what was approved:
 * defaults and code of types run before the function, and could have replaced
 * it.  A function of the extension may have another row of pg_proc than before,
 * as grant_capability has when it has granted itself.
 */
static ErrorData *
run_tool(const ApprovedCall *call, const Invocation *invocation, int64 timeout, CallResult *result)
{
	const Proposal *proposal = call->proposal;
	bool built_in = call->tool->built_in;
	ErrorData *error = invoke(invocation, call->tool, call->definition, timeout,
							  built_in ? built_in_arguments(proposal->params) : proposal->params,
							  &result->output, &result->rows);

	if (error != NULL && built_in && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(error);
	if (error == NULL && built_in)
		built_in_check_definition(proposal);
	if (error == NULL)
	{
		const Tool *tool = tool_require(proposal->tool);
		const Definition *now = definition_load(tool);

		definition_check_pinned(tool, now, proposal->definition, proposal->proposal_id);
		if (!built_in && !definition_is_version(now, call->definition))
			report_wrong_state("wfo_tool_changed",
							   errmsg("tool \"%s\" has changed while proposal " INT64_FORMAT
									  " was being executed",
									  tool->tool, proposal->proposal_id),
							   errhint("Execute the proposal again when nobody changes the "
									   "function."));
	}
	return error;
}

/* Log a call that had to be ended. */
static void
log_ignored(const ApprovedCall *call, const Run *run)
{
	ereport(LOG_SERVER_ONLY, (errhidestmt(true), errhidecontext(true),
							  errmsg("execution " INT64_FORMAT " of proposal " INT64_FORMAT
									 " went on after its timeout and was ended",
									 run->execution_id, call->proposal->proposal_id)));
}

/*
 * Run the call; in a dry run, only say so or roll the call back.  The caller
 * writes the result, unless the call ends with its session.
 */
void
approved_run(const ApprovedCall *call, const Run *run, CallResult *result)
{
	Invocation invocation = {.proposal_id = call->proposal->proposal_id,
							 .execution_id = run->execution_id,
							 .actor = run->actor != NULL ? run->actor->name : NULL,
							 .run_as = call->run_as,
							 .in_worker = run->in_worker,
							 .max_rows = call->max_rows};
	int64 timeout = tool_timeout(call->tool, call->policy);

	Assert(call->definition != NULL && OidIsValid(call->run_as));
	if (call->tool->built_in)
	{
		invocation.built_in = built_in_call(call->tool->tool);
		invocation.authority = built_in_authority(call->proposal, run->actor);
	}
	log_execution_start(call, run);
	memset(result, 0, sizeof(CallResult));
	result->tool = call->proposal->tool;
	result->params = call->proposal->params;
	result->dry_run = call->dry_run;
	result->started_at = GetCurrentTimestamp();
	if (!run->in_worker)
		finish_watch(call, run, timeout, result->started_at);
	PG_TRY();
	{
		if (!call->dry_run)
			result->error = run_tool(call, &invocation, timeout, result);
		else if (call->tool->dry_run_mode == DRY_RUN_ROLLBACK &&
				 (call->tool->in_session || run->in_worker))
			simulate(&invocation, call->tool, call->definition, timeout, call->proposal, result);
	}
	PG_FINALLY();
	{
		if (!run->in_worker)
			finish_unwatch();
	}
	PG_END_TRY();
	result->finished_at = GetCurrentTimestamp();
	if (result->error != NULL && !run->in_worker && deadline_was_ignored())
		log_ignored(call, run);
}
