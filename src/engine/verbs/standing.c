/*
 * standing.c
 *	  Gives, uses and ends standing approvals.
 *
 * A standing approval is given by a call of a built-in tool, which other people
 * have proposed and approved, and approves calls of its holder when they are
 * proposed.  This file owns its row and its uses.  Which calls it covers is
 * approval/standing.c's business.
 */
#include "postgres.h"

#include "base/args.h"
#include "base/each.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/names.h"
#include "base/settings.h"
#include "engine/approval/requirement.h"
#include "engine/approval/standing.h"
#include "engine/approval/vote.h"
#include "engine/identity/binding.h"
#include "engine/identity/protection.h"
#include "engine/run/queued.h"
#include "engine/running.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/tool/row_limit.h"
#include "engine/verbs/enqueue.h"
#include "engine/verbs/standing.h"
#include "lib/stringinfo.h"
#include "model/built_in.h"
#include "model/condition_member.h"
#include "store/tool_definition.h"

/* Largest number of uses. */
#define USES_MAX 10000

static void
check_times(const StandingRequest *request)
{
	TimestampTz now = GetCurrentTimestamp();

	if (request->uses < 1 || request->uses > USES_MAX)
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"uses\" must be between 1 and %d", USES_MAX),
					   errdetail("It is " INT64_FORMAT ".", request->uses));
	if (request->ends_at <= now)
		report_invalid("wfo_argument_invalid", errmsg("argument \"ends_at\" must be in the future"),
					   errhint("A standing approval begins when it is executed."));
	if (TIMESTAMP_NOT_FINITE(request->ends_at) ||
		request->ends_at - now > (int64) setting_max_standing_days * USECS_PER_DAY)
		report_invalid("wfo_argument_invalid",
					   errmsg("argument \"ends_at\" must be within %d days",
							  setting_max_standing_days),
					   errhint("The limit is the setting workflow_orch.max_standing_days."));
}

/* Refuse a condition that looks at more than the params: the rest is the holder's own words. */
static void
check_condition_on_params(JsonPath *condition)
{
	ConditionMembers members;

	arg_check_condition_size(condition);
	condition_find_members(condition, &members);
	if (!condition_has_variables(condition) && !members.any_first &&
		list_length(members.first) == 1 && strcmp(linitial(members.first), "params") == 0)
		return;
	report_invalid("wfo_argument_invalid",
				   errmsg("argument \"condition\" may look only at $.params"),
				   errdetail("What else a proposal has is chosen by the holder."));
}

/* The approvals that the call of the built-in tool was given; none in its trial. */
static void
add_approvals(Standing *standing)
{
	Proposal *proposal = proposal_load(running_call()->proposal_id);
	Votes votes;

	standing->proposal_id = running_call()->proposal_id;
	standing->requirements = json_empty_array();
	if (running_call()->authority == NULL || proposal == NULL)
		return;
	standing->requirements = proposal->requirements;
	votes_load(&votes, proposal);
	for (int i = 0; i < votes.napprovals; i++)
		standing->approved_by = lappend(standing->approved_by, &votes.approvers[i].actor_id);
}

/*
 * Give a standing approval: returns its id.  Only a call of the built-in tool
 * does; everyone else is refused with 42501.
 */
int64
standing_give(const StandingRequest *request)
{
	Standing standing = {.tool = request->tool,
						 .actor_id = request->actor_id,
						 .uses = request->uses,
						 .ends_at = request->ends_at,
						 .max_rows = request->max_rows,
						 .description = request->description};
	const Tool *tool;
	const Actor *holder;
	const Definition *definition;

	if (!running_is_built_in())
		report_denied("wfo_only_built_in", errmsg("standing_approval cannot be called directly"),
					  errhint("Propose a call of the built-in tool \"%s.standing_approval\" with "
							  "propose_action.",
							  WFO_SCHEMA));
	check_times(request);
	if (request->max_rows != NULL)
		row_limit_check_argument(*request->max_rows);
	if (request->condition != NULL)
	{
		check_condition_on_params(request->condition);
		standing.condition.path = condition_strict(request->condition);
	}
	tool = tool_require(request->tool);
	if (tool->built_in)
		tool_report_built_in(tool->tool);
	holder = actor_require(request->actor_id);
	actor_check_active(holder);
	if (actor_role_name(holder) == NULL)
		report_invalid(
			"wfo_argument_invalid",
			errmsg("actor " INT64_FORMAT " is not bound to a database role", holder->actor_id),
			errhint("A standing approval holds for what its holder proposes in a session "
					"of their own role."));
	standing.db_role = unconstify(char *, actor_role_name(holder));
	tool_check_enabled(tool);
	definition = definition_load(tool);
	definition_check_confirmed(tool, policy_load());
	tool_definition_keep(definition->sha256, tool->tool, definition->json);
	standing.definition = definition->sha256;
	add_approvals(&standing);
	return standing_insert(&standing);
}

/* Take a use of a standing approval: false if it has none left. */
static bool
take_use(const Standing *standing, void *arg)
{
	Standing *latest;
	StoredRow *row;
	int64 used;

	if (!standing_has_uses(standing, arg))
		return false;
	row = standing_use_lock(standing->standing_id, &used);
	latest = standing_load(standing->standing_id);
	if (row == NULL || used >= standing->uses || latest == NULL || !standing_is_in_force(latest))
		return false;
	standing_use_count(row, used + 1);
	return true;
}

static const Standing *
choose(const Caller *caller, const Actor *actor, const char *tool, const Revision *revision,
	   StandingChoice choice)
{
	StandingSubject subject = {.actor = actor,
							   .tool = tool,
							   .params = revision->params,
							   .requirements = revision->requirements};

	if (standing_list(actor->actor_id)->count == 0 || built_in_is(tool) ||
		!protection_is_own_session(caller, actor))
		return NULL;
	return standing_find(&subject, choice, NULL);
}

/* The standing approval that would cover the first revision of a proposal, or NULL. */
const Standing *
standing_for(const Caller *caller, const Actor *actor, const char *tool, const Revision *revision)
{
	return choose(caller, actor, tool, revision, standing_has_uses);
}

/*
 * The same, and take a use of it.
 *
 * Locks: the uses of the standing approval, to the end of the transaction.
 */
const Standing *
standing_take(const Caller *caller, const Actor *actor, const char *tool, const Revision *revision)
{
	return choose(caller, actor, tool, revision, take_use);
}

/* Approve a proposal by a standing approval whose use was taken: returns the status. */
ProposalStatus
standing_approve(int64 proposal_id, const Standing *standing)
{
	Proposal *proposal = proposal_require_lock(proposal_id);
	TimestampTz expires_at = proposal->approval_ttl != NULL ? expiry_after(proposal->approval_ttl)
															: 0;
	StoreRow row;

	Assert(proposal->status == PROPOSAL_PENDING);
	if (expires_at == 0 || expires_at > standing->ends_at)
		expires_at = standing->ends_at;
	store_row_init(&row, STORE_PROPOSAL);
	row_set_id(&row, PROPOSAL_STANDING_ID, &standing->standing_id);
	row_set_null(&row, PROPOSAL_STAGE);
	row_set_time(&row, PROPOSAL_EXPIRES_AT, expires_at);
	row_set_id(&row, PROPOSAL_MAX_ROWS, standing->max_rows);
	proposal_change(proposal, &row, EVENT_APPROVE_BY_STANDING, PROPOSAL_APPROVED, NULL, NULL);
	enqueue_when_approved(proposal);
	return proposal->status;
}

/* The end of a standing approval. */
typedef struct StandingEnd
{
	Caller caller;
	const Actor *actor; /* NULL: nobody in particular */
	Standing *standing;
	const char *reason;
	const int64 *ids;       /* open proposals that it has approved */
	StringInfoData running; /* those of them that go on */
} StandingEnd;

static bool
has_approved(const StandingEnd *end)
{
	ListCell *cell;

	foreach (cell, end->standing->approved_by)
		if (end->actor != NULL && *(int64 *) lfirst(cell) == end->actor->actor_id)
			return true;
	return false;
}

/* Whether the caller acts for the holder or an approver, or is an administrator. */
static bool
may_end_standing(const StandingEnd *end)
{
	if (!caller_may_act(&end->caller, end->actor))
		return false;
	return caller_has(&end->caller, CAPABILITY_ADMINISTER) || has_approved(end) ||
		   (end->actor != NULL && end->actor->actor_id == end->standing->actor_id);
}

static void
check_standing_end(const StandingEnd *end)
{
	const Standing *standing = end->standing;

	if (!standing_is_in_force(standing))
		report_wrong_state("wfo_standing_ended",
						   errmsg("standing approval " INT64_FORMAT " has already ended",
								  standing->standing_id),
						   errhint("Propose another one."));
	if (end->actor != NULL)
		caller_check_acts_as(&end->caller, end->actor);
	if (may_end_standing(end))
		return;
	report_denied("wfo_not_yours",
				  errmsg("standing approval " INT64_FORMAT " is not yours to end",
						 standing->standing_id),
				  errhint("Its holder, somebody who approved it, or an administrator can end it."));
}

static void
check_standing_exists(int64 standing_id, const Standing *standing)
{
	if (standing == NULL)
		report_unknown("wfo_unknown_standing",
					   errmsg("standing approval " INT64_FORMAT " does not exist", standing_id),
					   errhint("The view workflow_orch.standing_approval_status lists them."));
}

/* Take its approval from a proposal that does not run. */
static void
take_back(int index, void *arg)
{
	StandingEnd *end = arg;
	int64 proposal_id = end->ids[index];
	const int64 *by = end->actor != NULL ? &end->actor->actor_id : NULL;
	Proposal *proposal;
	Quorum quorum;
	int64 stage;
	StoreRow row;

	if (proposal_lock(proposal_id, LockWaitSkip, &proposal) != STORE_LOCKED ||
		queued_has_started(proposal_id))
	{
		appendStringInfo(&end->running, "%s" INT64_FORMAT, end->running.len > 0 ? ", " : "",
						 proposal_id);
		return;
	}
	if (proposal_status_now(proposal) != PROPOSAL_APPROVED || proposal->standing_id == NULL ||
		*proposal->standing_id != end->standing->standing_id)
		return;
	(void) queued_cancel(proposal, by, "The standing approval was ended.");
	quorum = requirement_quorum(proposal->requirements);
	stage = quorum_open_stage(&quorum, NULL, 0);
	store_row_init(&row, STORE_PROPOSAL);
	row_set_null(&row, PROPOSAL_STANDING_ID);
	row_set_null(&row, PROPOSAL_MAX_ROWS);
	row_set_int64(&row, PROPOSAL_STAGE, stage);
	row_set_time(&row, PROPOSAL_EXPIRES_AT,
				 revision_require(proposal_id, proposal->revision)->approve_until);
	proposal_change(proposal, &row, EVENT_END_STANDING, PROPOSAL_PENDING, by, end->reason);
}

/*
 * End a standing approval before its time.  What it has approved and does not
 * run is pending again; what runs goes on, and a NOTICE names it.
 *
 * Locks: its row; its uses, so that nobody is using it; the rows of the open
 * proposals that it has approved, without waiting.  A caller that may not end it
 * is refused before.
 */
void
standing_end(int64 standing_id, const int64 *actor_id, const char *reason)
{
	StandingEnd end = {.reason = reason};
	int64 used;
	int count;

	caller_identify(&end.caller);
	end.actor = caller_actor_or_null(&end.caller, actor_id);
	end.standing = standing_load(standing_id);
	check_standing_exists(standing_id, end.standing);
	if (!may_end_standing(&end))
		check_standing_end(&end);
	end.standing = standing_lock(standing_id);
	check_standing_exists(standing_id, end.standing);
	end.actor = caller_read_again(&end.caller, end.actor);
	check_standing_end(&end);
	(void) standing_use_lock(standing_id, &used);

	standing_mark_ended(end.standing, end.actor != NULL ? &end.actor->actor_id : NULL, reason);
	initStringInfo(&end.running);
	end.ids = proposal_list_of_standing(end.standing->actor_id, standing_id, &count);
	each_item(count, take_back, &end);
	if (end.running.len > 0)
		ereport(NOTICE, (errmsg("calls that the standing approval has approved are running"),
						 errdetail("Proposals: %s.", end.running.data),
						 errhint("Cancel them with cancel_execution. Those that do not run can no "
								 "longer be executed.")));
}
