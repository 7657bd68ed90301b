/*
 * state.c
 *	  Whether a proposal, a workflow and a tool are in a state for a call.
 *
 * It owns the errors about proposals, workflows and tools that do not exist
 * (42704), that another session is changing (55P03) or that are not in the right
 * state (55000), and how long a call of a tool and an approval last.  Who may do
 * something is not its business.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/interval.h"
#include "engine/state.h"
#include "store/hold.h"
#include "utils/fmgrprotos.h"

bool
interval_is_zero(const Interval *interval)
{
	return interval->month == 0 && interval->day == 0 && interval->time == 0;
}

/* The interval, or NULL if it is zero, which stands for no limit. */
const Interval *
interval_or_null(const Interval *interval)
{
	return interval_is_zero(interval) ? NULL : interval;
}

/* The time from now after which something expires; 0 for a zero interval. */
TimestampTz
expiry_after(const Interval *ttl)
{
	if (interval_is_zero(ttl))
		return 0;
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(GetCurrentTimestamp()),
												   IntervalPGetDatum(ttl)));
}

/*
 * The proposal's status by the real clock: an open proposal past its time
 * counts as expired before the sweep has marked it.
 */
ProposalStatus
proposal_status_now(const Proposal *proposal)
{
	if (proposal_status_is_open(proposal->status) && proposal->expires_at != 0 &&
		proposal->expires_at <= GetCurrentTimestamp())
		return PROPOSAL_EXPIRED;
	return proposal->status;
}

static void
report_no_proposal(int64 proposal_id)
{
	report_unknown("wfo_unknown_proposal",
				   errmsg("proposal " INT64_FORMAT " does not exist", proposal_id),
				   errhint("The table workflow_orch.proposal lists the proposals."));
}

Proposal *
proposal_require(int64 proposal_id)
{
	Proposal *proposal = proposal_load(proposal_id);

	if (proposal == NULL)
		report_no_proposal(proposal_id);
	return proposal;
}

static Proposal *
require_locked(int64 proposal_id, StoreLock outcome, Proposal *proposal)
{
	switch (outcome)
	{
		case STORE_LOCKED:
			break;
		case STORE_BUSY:
			report_busy("wfo_busy",
						errmsg("proposal " INT64_FORMAT
							   " is being executed or changed by another session",
							   proposal_id),
						errhint("Try again when the other session is done."));
			break;
		case STORE_GONE:
			report_no_proposal(proposal_id);
	}
	return proposal;
}

/* The proposal, locked to the end of the transaction: waits for other sessions. */
Proposal *
proposal_require_lock(int64 proposal_id)
{
	Proposal *proposal = NULL;
	StoreLock outcome = proposal_lock(proposal_id, LockWaitBlock, &proposal);

	return require_locked(proposal_id, outcome, proposal);
}

/* The same, without waiting: 55P03 where another session has the proposal. */
Proposal *
proposal_require_lock_now(int64 proposal_id)
{
	Proposal *proposal = NULL;
	StoreLock outcome = proposal_lock(proposal_id, LockWaitSkip, &proposal);

	return require_locked(proposal_id, outcome, proposal);
}

/* The proposal, which proposal_require_lock_found() may lock after a look at it. */
Proposal *
proposal_require_find(StoreFound *found, int64 proposal_id)
{
	Proposal *proposal = proposal_find_begin(found, proposal_id);

	if (proposal == NULL)
		report_no_proposal(proposal_id);
	return proposal;
}

/* The latest version of a proposal that was found, locked to the end of the transaction. */
Proposal *
proposal_require_lock_found(StoreFound *found, int64 proposal_id, LockWaitPolicy wait)
{
	Proposal *proposal = NULL;
	StoreLock outcome = proposal_lock_found(found, wait, &proposal);

	return require_locked(proposal_id, outcome, proposal);
}

/*
 * Say that the proposal is not in the state that a call wants; reason is the
 * code of the error.
 */
void
proposal_report_state(const Proposal *proposal, const char *reason, const char *wanted,
					  const char *hint)
{
	ProposalStatus now = proposal_status_now(proposal);

	report_wrong_state(reason,
					   errmsg("proposal " INT64_FORMAT " is not %s", proposal->proposal_id, wanted),
					   errdetail("Its status is %s, in revision " INT64_FORMAT ".",
								 enum_label(&proposal_status_type, now), proposal->revision),
					   errhint("%s", hint));
}

/* Refuse with 55000 where the proposal is not in the revision that is expected; NULL: in any. */
void
proposal_check_revision(const Proposal *proposal, const int64 *expected)
{
	if (expected != NULL && *expected != proposal->revision)
		report_wrong_state("wfo_revision_moved",
						   errmsg("proposal " INT64_FORMAT " is not in revision " INT64_FORMAT,
								  proposal->proposal_id, *expected),
						   errdetail("It is in revision " INT64_FORMAT ".", proposal->revision),
						   errhint("Read the current revision and decide on that."));
}

/* A revision that must be there.  It is missing if a restore was incomplete. */
Revision *
revision_require(int64 proposal_id, int64 revision)
{
	Revision *result = revision_load(proposal_id, revision);

	if (result == NULL)
		report_unknown("wfo_unknown_revision",
					   errmsg("revision " INT64_FORMAT " of proposal " INT64_FORMAT
							  " does not exist",
							  revision, proposal_id),
					   errhint("Restore the whole table workflow_orch.proposal_revision."));
	return result;
}

static void
report_no_workflow(int64 workflow_id)
{
	report_unknown("wfo_unknown_workflow",
				   errmsg("workflow " INT64_FORMAT " does not exist", workflow_id),
				   errhint("The table workflow_orch.workflow lists the workflows; start_workflow "
						   "starts one."));
}

Workflow *
workflow_require(int64 workflow_id)
{
	Workflow *workflow = workflow_load(workflow_id);

	if (workflow == NULL)
		report_no_workflow(workflow_id);
	return workflow;
}

/* Lock a workflow for a change, to the end of the transaction: waits for other sessions. */
void
workflow_require_lock(int64 workflow_id)
{
	if (workflow_lock(workflow_id) == NULL)
		report_no_workflow(workflow_id);
}

/*
 * Keep a workflow from being purged, to the end of the transaction, for a row that is
 * added to it.  Waits for a purge, and for nothing else.
 */
void
workflow_require_to_stay(int64 workflow_id)
{
	if (!workflow_keep(workflow_id))
		report_no_workflow(workflow_id);
}

/* Refuse a workflow on which a legal hold stands.  The caller has its lock, or looks again with it. */
void
workflow_check_not_held(int64 workflow_id)
{
	const Hold *hold = hold_find(workflow_id);

	if (hold != NULL)
		report_wrong_state("wfo_held", errmsg("workflow " INT64_FORMAT " is held", workflow_id),
						   errdetail("Hold " INT64_FORMAT " stands: %s", hold->hold_id,
									 hold->reason),
						   errhint("The call is refused until the hold is released with "
								   "release_hold."));
}

void
workflow_check_active(const Workflow *workflow)
{
	if (workflow->status != WORKFLOW_ACTIVE)
		report_wrong_state("wfo_workflow_ended",
						   errmsg("workflow " INT64_FORMAT " is not active", workflow->workflow_id),
						   errdetail("Its status is %s.",
									 enum_label(&workflow_status_type, workflow->status)),
						   errhint("Start another workflow with start_workflow."));
}

const Tool *
tool_require(const char *name)
{
	const Tool *tool = tool_load(name);

	if (tool == NULL)
		report_unknown("wfo_unknown_tool", errmsg("tool \"%s\" does not exist", name),
					   errhint("The table workflow_orch.tool lists the tools; register_tool adds "
							   "one."));
	return tool;
}

void
tool_check_enabled(const Tool *tool)
{
	if (!tool->enabled)
		report_wrong_state("wfo_tool_disabled", errmsg("tool \"%s\" is disabled", tool->tool),
						   errhint("An administrator can enable it with set_tool_enabled."));
}

/* Refuse a tool that runs only in sessions: 55000. */
void
tool_check_worker(const Tool *tool)
{
	if (tool->built_in)
		report_wrong_state("wfo_only_in_session",
						   errmsg("tool \"%s\" does not run in a background worker", tool->tool),
						   errdetail("It is a built-in tool."),
						   errhint("Run it with execute_action."));
}

/* Report a call about a tool that nobody can change: 42501. */
void
tool_report_built_in(const char *name)
{
	report_denied("wfo_built_in", errmsg("tool \"%s\" is built in", name),
				  errdetail("Built-in tools cannot be changed, disabled, frozen or run without "
							"their approvals."),
				  errhint("Ask for more approvals of its calls with add_approval_rule."));
	pg_unreachable();
}

/*
 * How long a call of the tool may run, in ms; 0: without limit.  The policy does
 * not limit calls of built-in tools, one of which could be needed to change it.
 */
int64
tool_timeout(const Tool *tool, const Policy *policy)
{
	if (tool->built_in)
		return 0;
	return interval_milliseconds(tool->timeout != NULL ? tool->timeout : &policy->default_timeout);
}
