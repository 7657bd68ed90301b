/*
 * execute.c
 *	  Executes an approved call in the caller's session.
 *
 * Everything happens in the caller's transaction: the tool's effects, the
 * execution with its result, the proposal's status and the audit row commit or
 * roll back together.  The proposal's row lock, taken without waiting, is what
 * makes it run once.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/caller.h"
#include "engine/definition.h"
#include "engine/freeze.h"
#include "engine/invoke.h"
#include "engine/result.h"
#include "engine/run_as.h"
#include "engine/simulate.h"
#include "engine/state.h"
#include "engine/verbs.h"
#include "store/execution.h"
#include "store/proposal.h"
#include "store/table.h"
#include "utils/builtins.h"

static void
check_approved(const Proposal *proposal)
{
	ProposalStatus now = proposal_status_now(proposal);

	if (now == PROPOSAL_APPROVED)
		return;
	proposal_report_state(proposal, "approved",
						  now == PROPOSAL_PENDING  ? "A reviewer must approve it first, with "
													 "review_action."
						  : now == PROPOSAL_FAILED ? "retry_action makes it approved again."
												   : "Propose the call anew.");
}

static void
check_tool(const Tool *tool)
{
	tool_check_enabled(tool);
	if (!tool->in_session)
		report_wrong_state(errmsg("tool \"%s\" does not run in a session", tool->tool),
						   errhint("Run it in a background worker, with enqueue_action."));
}

/* Leave a trace of the start that no rollback removes. */
static void
log_start(const Proposal *proposal, int64 execution_id, const Tool *tool, const Actor *actor,
		  bool dry_run)
{
	ereport(LOG_SERVER_ONLY,
			(errhidestmt(true), errhidecontext(true),
			 errmsg("execution " INT64_FORMAT " of proposal " INT64_FORMAT " revision " INT64_FORMAT
					" starts: tool \"%s\" as role \"%s\" for actor %s%s",
					execution_id, proposal->proposal_id, proposal->revision, tool->tool,
					tool->run_as,
					actor != NULL ? psprintf(INT64_FORMAT, actor->actor_id) : "(none)",
					dry_run ? " (dry run)" : "")));
}

/*
 * Call the tool, and see that it is still what was approved when it is done:
 * defaults and code of types run before the function, and could have put
 * another in its place.
 */
static ErrorData *
run_tool(const Invocation *invocation, const Tool *tool, const Definition *definition,
		 const Policy *policy, const Proposal *proposal, Jsonb **output)
{
	ErrorData *error = invoke_in_session(invocation, tool, definition, tool_timeout(tool, policy),
										 proposal->params, output);

	if (error == NULL)
	{
		const Definition *now;

		tool = tool_require(proposal->tool);
		now = definition_load(tool);
		definition_check_pinned(tool, now, proposal->definition, proposal->proposal_id);
		if (!definition_is_version(now, definition))
			report_wrong_state(errmsg("tool \"%s\" has changed while proposal " INT64_FORMAT
									  " was being executed",
									  tool->tool, proposal->proposal_id),
							   errhint("Execute the proposal again when nobody changes the "
									   "function."));
	}
	return error;
}

/*
 * Execute a proposal: returns the execution's id and the result.
 *
 * An error of the tool is part of the result; 40001, 40P01 and a cancel of the
 * caller are raised.
 */
int64
execute(int64 proposal_id, const int64 *actor_id, Jsonb **result)
{
	Caller caller;
	const Actor *actor;
	Proposal *proposal;
	const Tool *tool;
	const Policy *policy;
	const Definition *definition;
	Oid run_as;
	Execution execution = {.attempt = 1};
	CallResult call = {0};

	invoke_prepare();
	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	proposal = proposal_require_lock(proposal_id, false);
	check_approved(proposal);
	tool = tool_require(proposal->tool);
	check_tool(tool);
	freeze_check(tool->tool);
	run_as = run_as_current(tool);
	definition = definition_load(tool);
	definition_check_pinned(tool, definition, proposal->definition, proposal_id);
	if (actor != NULL)
		caller_check_acts_as(&caller, actor);
	run_as_check(definition, run_as);
	policy = policy_load();

	execution.execution_id = store_next_id(STORE_EXECUTION);
	execution.dry_run = policy->dry_run || proposal->dry_run;
	log_start(proposal, execution.execution_id, tool, actor, execution.dry_run);

	call.tool = proposal->tool;
	call.params = proposal->params;
	call.dry_run = execution.dry_run;
	call.started_at = GetCurrentTimestamp();
	if (!execution.dry_run || tool->dry_run_mode == DRY_RUN_ROLLBACK)
	{
		Invocation invocation = {.proposal_id = proposal_id,
								 .execution_id = execution.execution_id,
								 .actor = actor != NULL ? actor->name : NULL,
								 .run_as = run_as};

		if (execution.dry_run)
			simulate(&invocation, tool, definition, tool_timeout(tool, policy), proposal, &call);
		else
			call.error = run_tool(&invocation, tool, definition, policy, proposal, &call.output);
	}
	call.finished_at = GetCurrentTimestamp();

	execution.proposal_id = proposal_id;
	execution.workflow_id = proposal->workflow_id;
	execution.revision = proposal->revision;
	execution.actor_id = actor != NULL ? &actor->actor_id : NULL;
	execution.status = call.error == NULL ? EXECUTION_SUCCEEDED : EXECUTION_FAILED;
	execution.started_at = call.started_at;
	execution.finished_at = call.finished_at;
	execution.result = *result = result_build(&call);
	execution_insert(&execution);
	if (!execution.dry_run)
		proposal_change(proposal, NULL, call.error == NULL ? EVENT_EXECUTE : EVENT_FAIL,
						call.error == NULL ? PROPOSAL_EXECUTED : PROPOSAL_FAILED,
						execution.actor_id, NULL);
	return execution.execution_id;
}
