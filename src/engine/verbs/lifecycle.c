/*
 * lifecycle.c
 *	  Withdraws, revives and expires proposals.
 *
 * It owns the ends of a proposal that are neither a decision nor an execution,
 * and the way back from failed.  Reviews are in review.c, and executions in
 * run.
 */
#include "postgres.h"

#include "base/each.h"
#include "base/errors.h"
#include "engine/identity/caller.h"
#include "engine/identity/readable.h"
#include "engine/run/approved.h"
#include "engine/run/queued.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/verbs/lifecycle.h"
#include "engine/verbs/workflow_join.h"
#include "store/proposal.h"
#include "store/table.h"

static bool
may_withdraw(const Caller *caller, const Proposal *proposal, const Actor *actor)
{
	return caller_may_act(caller, actor) && actor->actor_id == proposal->actor_id;
}

static void
check_withdraw(const Caller *caller, const Proposal *proposal, const Actor *actor)
{
	if (!transition_exists(OBJECT_PROPOSAL, proposal_status_now(proposal), PROPOSAL_WITHDRAWN))
		proposal_report_state(proposal, "wfo_not_open", "open",
							  "Only a pending, approved or failed proposal can be withdrawn.");
	caller_check_acts_as(caller, actor);
	if (actor->actor_id != proposal->actor_id)
		report_denied("wfo_not_yours",
					  errmsg("proposal " INT64_FORMAT " is not yours to withdraw",
							 proposal->proposal_id),
					  errdetail("Actor " INT64_FORMAT " proposed it.", proposal->actor_id),
					  errhint("The actor that proposed it can withdraw it; "
							  "a reviewer can reject it while it is pending."));
}

/*
 * Withdraw the actor's own proposal before it has run.
 *
 * Locks: the proposal's row, without waiting.  An actor that may not withdraw
 * it is refused before.
 */
ProposalStatus
proposal_withdraw(int64 proposal_id, const int64 *actor_id, const char *reason)
{
	Caller caller;
	const Actor *actor;
	Proposal *proposal;

	caller_identify(&caller);
	actor = caller_actor(&caller, actor_id, "actor_id");
	proposal = readable_proposal_require(&caller, actor, proposal_id, "withdraw");
	if (!may_withdraw(&caller, proposal, actor))
		check_withdraw(&caller, proposal, actor);
	proposal = proposal_require_lock_now(proposal_id);
	actor = caller_read_again(&caller, actor);
	check_withdraw(&caller, proposal, actor);

	(void) queued_cancel(proposal, &actor->actor_id, "The proposal was withdrawn.");
	proposal_change(proposal, NULL, EVENT_WITHDRAW, PROPOSAL_WITHDRAWN, &actor->actor_id, reason);
	return proposal->status;
}

static void
check_retry(const Caller *caller, const Proposal *proposal, const Actor *actor)
{
	const Tool *tool;

	if (proposal->status != PROPOSAL_FAILED)
		proposal_report_state(proposal, "wfo_not_failed", "failed",
							  "Only a failed proposal can be retried.");
	if (proposal->stage != NULL)
		report_wrong_state("wfo_not_approved",
						   errmsg("proposal " INT64_FORMAT " was never approved",
								  proposal->proposal_id),
						   errdetail("It failed in a break glass."),
						   errhint("Propose the call again."));
	approved_check_standing(proposal);
	workflow_check_active(workflow_require(proposal->workflow_id));
	if (proposal->expires_at != 0 && proposal->expires_at <= GetCurrentTimestamp())
		report_wrong_state("wfo_approval_expired",
						   errmsg("the approval of proposal " INT64_FORMAT " has expired",
								  proposal->proposal_id),
						   errhint("Propose the call again."));
	tool = tool_require(proposal->tool);
	definition_check_pinned(tool, definition_load(tool), proposal->definition,
							proposal->proposal_id);
	if (actor != NULL)
		caller_check_acts_as(caller, actor);
}

/*
 * Make a failed proposal approved again.
 *
 * Locks: the workflow, shared; the proposal's row, without waiting.  A caller
 * that may not act as the actor is refused before.
 */
ProposalStatus
proposal_retry(int64 proposal_id, const int64 *actor_id)
{
	Caller caller;
	const Actor *actor;
	Proposal *proposal;

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	proposal = proposal_require(proposal_id);
	if (!caller_may_act(&caller, actor))
		check_retry(&caller, proposal, actor);
	workflow_join(proposal->workflow_id);
	proposal = proposal_require_lock_now(proposal_id);
	actor = caller_read_again(&caller, actor);
	check_retry(&caller, proposal, actor);

	proposal_change(proposal, NULL, EVENT_RETRY, PROPOSAL_APPROVED,
					actor != NULL ? &actor->actor_id : NULL, NULL);
	return proposal->status;
}

/* The proposals to mark, and how many were. */
typedef struct Sweep
{
	const int64 *ids;
	int64 expired;
	int64 limit;
} Sweep;

static void
expire_one(int index, void *arg)
{
	Sweep *sweep = arg;
	Proposal *proposal;

	if (sweep->expired == sweep->limit ||
		proposal_lock(sweep->ids[index], LockWaitSkip, &proposal) != STORE_LOCKED ||
		!proposal_status_is_open(proposal->status) ||
		proposal_status_now(proposal) != PROPOSAL_EXPIRED ||
		queued_has_started(proposal->proposal_id))
		return;
	(void) queued_cancel(proposal, NULL, "The approval has expired.");
	proposal_change(proposal, NULL, EVENT_EXPIRE, PROPOSAL_EXPIRED, NULL, NULL);
	sweep->expired++;
}

/*
 * Mark up to so many of the open proposals that have expired: returns how many.
 * Proposals that another session has locked are left to the next sweep.
 */
int64
proposals_expire(int limit)
{
	Sweep sweep = {.limit = limit};
	int count;

	sweep.ids = proposal_list_expired(GetCurrentTimestamp(), limit, &count);
	each_item(count, expire_one, &sweep);
	if (count == limit && sweep.expired < limit)
	{
		/* Some are locked, so others are to be found behind these. */
		sweep.ids = proposal_list_expired(GetCurrentTimestamp(), PG_INT32_MAX, &count);
		each_item(count, expire_one, &sweep);
	}
	return sweep.expired;
}
