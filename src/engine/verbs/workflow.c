/*
 * workflow.c
 *	  Starts, completes and cancels workflows.
 *
 * It owns the start and the end of workflows.  Ending a workflow excludes
 * proposing in it (workflow_join.c), so that no proposal stays open in a
 * workflow that has ended.
 */
#include "postgres.h"

#include "base/each.h"
#include "base/errors.h"
#include "engine/identity/caller.h"
#include "engine/identity/readable.h"
#include "engine/run/queued.h"
#include "engine/state.h"
#include "engine/verbs/workflow.h"
#include "engine/verbs/workflow_join.h"
#include "model/built_in.h"
#include "store/table.h"

int64
workflow_start(const char *title, const int64 *actor_id, bool dry_run, Jsonb *metadata)
{
	Caller caller;
	const Actor *actor;
	StoreRow row;
	int64 workflow_id;

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	if (actor != NULL)
		caller_check_acts_as(&caller, actor);

	workflow_id = store_next_id(STORE_WORKFLOW);
	store_row_init(&row, STORE_WORKFLOW);
	row_set_int64(&row, WORKFLOW_WORKFLOW_ID, workflow_id);
	row_set_id(&row, WORKFLOW_ACTOR_ID, actor != NULL ? &actor->actor_id : NULL);
	row_set_enum(&row, WORKFLOW_STATUS, &workflow_status_type, WORKFLOW_ACTIVE);
	row_set_bool(&row, WORKFLOW_DRY_RUN, dry_run);
	row_set_text(&row, WORKFLOW_TITLE, title);
	row_set_pointer(&row, WORKFLOW_METADATA, metadata);
	row_set_time(&row, WORKFLOW_STARTED_AT, GetCurrentTimestamp());
	store_insert(&row);
	return workflow_id;
}

/*
 * Whether the caller may end the workflow: as an administrator, as the actor
 * that started it or, if it was started for no actor, as a gateway.
 */
static bool
may_end_workflow(const Caller *caller, const Workflow *workflow, const Actor *actor)
{
	if (!caller_may_act(caller, actor))
		return false;
	if (caller_has(caller, CAPABILITY_ADMINISTER))
		return true;
	return workflow->actor_id == NULL ? caller->gateway
									  : actor != NULL && actor->actor_id == *workflow->actor_id;
}

static void
check_may_end(const Caller *caller, const Workflow *workflow, const Actor *actor)
{
	if (actor != NULL)
		caller_check_acts_as(caller, actor);
	if (may_end_workflow(caller, workflow, actor))
		return;
	report_denied("wfo_not_yours",
				  errmsg("workflow " INT64_FORMAT " is not yours to end", workflow->workflow_id),
				  workflow->actor_id != NULL
					  ? errdetail("Actor " INT64_FORMAT " started it.", *workflow->actor_id)
					  : errdetail("It was started for no actor."),
				  errhint("Ask the actor that started it, or an administrator."));
}

/* A workflow that is to end, and who ends it. */
typedef struct Ending
{
	Caller caller;
	const Actor *actor; /* NULL: nobody in particular */
	Workflow *workflow;
	int64 *ids; /* what is open or unfinished in it */
	const char *reason;
} Ending;

/* Refuse to complete a workflow in which a proposal is open by the clock. */
static void
refuse_open(const Ending *ending, const Proposal *proposal)
{
	if (!proposal_status_is_open(proposal_status_now(proposal)))
		return;
	report_wrong_state("wfo_open_proposals",
					   errmsg("workflow " INT64_FORMAT " has open proposals",
							  ending->workflow->workflow_id),
					   errdetail("Proposal " INT64_FORMAT " is %s.", proposal->proposal_id,
								 enum_label(&proposal_status_type, proposal->status)),
					   errhint("Decide, execute or withdraw it, or cancel the workflow with "
							   "cancel_workflow."));
}

static void
check_expired(int index, void *arg)
{
	const Ending *ending = arg;

	refuse_open(ending, proposal_require(ending->ids[index]));
}

static void
lock_expired(int index, void *arg)
{
	const Ending *ending = arg;

	refuse_open(ending, proposal_require_lock_now(ending->ids[index]));
}

/*
 * Check the open proposals of a workflow that is to be completed: returns their
 * number.  Looks at one first, so that a workflow with many open proposals is
 * refused quickly.
 */
static int
check_open(Ending *ending, EachItem check)
{
	int64 workflow_id = ending->workflow->workflow_id;
	int count;

	ending->ids = proposal_list_open_of_workflow(workflow_id, 1, &count);
	each_item(count, check, ending);
	ending->ids = proposal_list_open_of_workflow(workflow_id, PG_INT32_MAX, &count);
	each_item(count, check, ending);
	return count;
}

/*
 * Identify the caller that ends a workflow, and lock the workflow.  Waits for a
 * while for transactions that propose in it.
 *
 * A caller that may not end it is refused before, after errors about the
 * workflow's state, including open proposals if it is to be completed.
 */
static void
begin_ending(Ending *ending, int64 workflow_id, const int64 *actor_id, WorkflowStatus status)
{
	caller_identify(&ending->caller);
	ending->actor = caller_actor_or_null(&ending->caller, actor_id);
	ending->workflow = readable_workflow_require(&ending->caller, ending->actor, workflow_id,
												 "end");
	if (!may_end_workflow(&ending->caller, ending->workflow, ending->actor))
	{
		workflow_check_active(ending->workflow);
		if (status == WORKFLOW_COMPLETED)
			(void) check_open(ending, check_expired);
		check_may_end(&ending->caller, ending->workflow, ending->actor);
	}

	workflow_exclude(workflow_id);
	ending->workflow = workflow_lock(workflow_id);
	ending->actor = caller_read_again(&ending->caller, ending->actor);
	workflow_check_active(ending->workflow);
	check_may_end(&ending->caller, ending->workflow, ending->actor);
}

static const int64 *
ended_by(const Ending *ending)
{
	return ending->actor != NULL ? &ending->actor->actor_id : NULL;
}

static void
end_workflow(const Ending *ending, WorkflowStatus status, const char *reason)
{
	StoreRow row;

	Assert(ending->workflow->status == WORKFLOW_ACTIVE);
	store_row_init(&row, STORE_WORKFLOW);
	row_set_enum(&row, WORKFLOW_STATUS, &workflow_status_type, status);
	row_set_time(&row, WORKFLOW_ENDED_AT, GetCurrentTimestamp());
	row_set_id(&row, WORKFLOW_ENDED_BY, ended_by(ending));
	row_set_text(&row, WORKFLOW_END_REASON, reason);
	store_update(&row, ending->workflow->row);
}

static void
expire_open(int index, void *arg)
{
	Proposal *proposal = proposal_require_lock_now(((Ending *) arg)->ids[index]);

	if (!proposal_status_is_open(proposal->status))
		return;
	(void) queued_cancel(proposal, NULL, "The approval has expired.");
	proposal_change(proposal, NULL, EVENT_EXPIRE, PROPOSAL_EXPIRED, NULL, NULL);
}

/* Complete a workflow that has no open proposals. */
WorkflowStatus
workflow_complete(int64 workflow_id, const int64 *actor_id)
{
	Ending ending;

	begin_ending(&ending, workflow_id, actor_id, WORKFLOW_COMPLETED);
	each_item(check_open(&ending, lock_expired), expire_open, &ending);
	end_workflow(&ending, WORKFLOW_COMPLETED, NULL);
	return WORKFLOW_COMPLETED;
}

/* Refuse to cancel the open call of a built-in tool that concerns somebody else: 42501. */
static void
check_may_cancel(const Ending *ending, const Proposal *proposal)
{
	const int64 *started_by = ending->workflow->actor_id;
	const int64 *actor_id = ended_by(ending);

	if (!proposal_status_is_open(proposal_status_now(proposal)) ||
		(actor_id != NULL &&
		 (*actor_id == proposal->actor_id || (started_by != NULL && *actor_id == *started_by))))
		return;
	report_denied("wfo_built_in_open",
				  errmsg("workflow " INT64_FORMAT " has an open call of a built-in tool",
						 ending->workflow->workflow_id),
				  errdetail("Proposal " INT64_FORMAT
							" is a call of \"%s\", proposed by actor " INT64_FORMAT ".",
							proposal->proposal_id, proposal->tool, proposal->actor_id),
				  errhint("Reject the proposal, or let the actor who proposed it or the one who "
						  "started the workflow cancel it."));
}

static void
cancel_unfinished(int index, void *arg)
{
	const Ending *ending = arg;
	Proposal *proposal = proposal_require_lock_now(ending->ids[index]);

	if (built_in_is(proposal->tool))
		check_may_cancel(ending, proposal);
	(void) queued_cancel(proposal, ended_by(ending), "The workflow was canceled.");
	if (proposal_status_now(proposal) == PROPOSAL_EXPIRED)
		proposal_change(proposal, NULL, EVENT_EXPIRE, PROPOSAL_EXPIRED, NULL, NULL);
	else if (!status_is_final(OBJECT_PROPOSAL, proposal->status))
		proposal_change(proposal, NULL, EVENT_CANCEL, PROPOSAL_CANCELLED, ended_by(ending),
						ending->reason);
}

/* Cancel a workflow and the unfinished proposals in it. */
WorkflowStatus
workflow_cancel(int64 workflow_id, const int64 *actor_id, const char *reason)
{
	Ending ending = {.reason = reason};
	int count;

	begin_ending(&ending, workflow_id, actor_id, WORKFLOW_CANCELLED);
	ending.ids = proposal_list_unfinished(workflow_id, &count);
	each_item(count, cancel_unfinished, &ending);
	end_workflow(&ending, WORKFLOW_CANCELLED, reason);
	return WORKFLOW_CANCELLED;
}
