/*
 * execute.c
 *	  Executes an approved call in the caller's session.
 *
 * It owns the order of the checks and the lock.  run/approved.c runs the call, and
 * run/finish.c writes what became of it.
 *
 * Everything happens in the caller's transaction: the tool's effects, the
 * execution with its result, the proposal's status and the audit row commit or
 * roll back together.  The lock of the proposal's row, taken without waiting,
 * makes the call run once.
 */
#include "postgres.h"

#include "engine/identity/caller.h"
#include "engine/run/approved.h"
#include "engine/run/built_in.h"
#include "engine/run/finish.h"
#include "engine/run/frozen.h"
#include "engine/tool/invoke.h"
#include "engine/verbs/execute.h"
#include "model/built_in.h"
#include "store/table.h"

/* Where a call that runs in this session comes from. */
typedef enum Origin
{
	ORIGIN_SESSION, /* execute_action */
	ORIGIN_BATCH    /* execute_parallel, which runs its dry runs here */
} Origin;

/* Check a call that is to run here, as its proposal stands. */
static void
check_executable_call(const Caller *caller, ApprovedCall *call, Proposal *proposal, const Run *run,
					  Origin origin)
{
	approved_load(call, proposal);
	if (origin == ORIGIN_BATCH)
		call->dry_run = true;
	else
		approved_check_session(call);
	freeze_check(call->tool->tool);
	if (call->tool->built_in)
		built_in_check_unchanged(proposal);
	if (run->actor != NULL)
		caller_check_acts_as(caller, run->actor);
	approved_check_role(call);
}

/*
 * Execute a proposal: returns the execution's id and the result.  Of a batch
 * only dry runs come here, which every tool may have in a session; they stay
 * dry even if the caller's deferred triggers change the policy.
 *
 * An error of the tool is part of the result; 40001, 40P01 and a cancel of the
 * caller are raised.  A caller that may not act as the actor is refused before
 * the proposal is locked.
 */
static int64
execute_here(int64 proposal_id, const int64 *actor_id, Origin origin, Jsonb **result)
{
	Caller caller;
	Proposal *proposal;
	ApprovedCall call;
	CallResult outcome;
	Run run = {0};

	invoke_prepare();
	caller_identify(&caller);
	run.actor = caller_actor_or_null(&caller, actor_id);
	if (!caller_may_act(&caller, run.actor))
		check_executable_call(&caller, &call, approved_require(proposal_id), &run, origin);
	proposal = approved_lock(proposal_id);
	if (built_in_is(proposal->tool))
		built_in_exclude_others();
	run.actor = caller_read_again(&caller, run.actor);
	check_executable_call(&caller, &call, proposal, &run, origin);

	run.execution_id = store_next_id(STORE_EXECUTION);
	approved_run(&call, &run, &outcome);

	*result = finish_call(&call, &run, caller.login_name, &outcome);
	return run.execution_id;
}

int64
execute(int64 proposal_id, const int64 *actor_id, Jsonb **result)
{
	return execute_here(proposal_id, actor_id, ORIGIN_SESSION, result);
}

int64
execute_of_batch(int64 proposal_id, const int64 *actor_id, Jsonb **result)
{
	return execute_here(proposal_id, actor_id, ORIGIN_BATCH, result);
}
