/*
 * break_glass.c
 *	  Executes a pending call without the approvals, in an emergency, and has
 *	  somebody else look at it afterwards.
 *
 * A call that nobody approved has run, so no trace of it may be missing: it is
 * marked in the execution, the proposal, a row of its own and the audit log,
 * and the server's log has a WARNING before the tool starts.  Until somebody
 * else has reviewed it, the same person cannot break glass again.  A break
 * glass is not stopped by a freeze, which is for ordinary calls.  It does not
 * bypass the checks of the tool itself: its definition, its role, whether it is
 * enabled.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/approval/reviewer.h"
#include "engine/identity/caller.h"
#include "engine/run/approved.h"
#include "engine/run/finish.h"
#include "engine/run/frozen.h"
#include "engine/state.h"
#include "engine/tool/invoke.h"
#include "engine/verbs/break_glass.h"
#include "model/built_in.h"
#include "store/break_glass.h"
#include "store/lock.h"
#include "store/table.h"

/*
 * Let one break glass of a person run at a time: lock each of the person's
 * marks, in an order that cannot deadlock.  A role and a login of one name are
 * the same mark.
 */
static void
lock_person(const Person *person)
{
	const char *names[] = {person->db_role, person->login};

	if (names[0] != NULL && names[1] != NULL && strcmp(names[0], names[1]) > 0)
	{
		names[0] = person->login;
		names[1] = person->db_role;
	}
	store_lock_id(LOCK_BREAK_GLASS, person->actor_id, LOCK_EXCLUSIVE);
	if (person->person != NULL)
		store_lock_text(LOCK_BREAK_GLASS, 1, person->person);
	for (int i = 0; i < (int) lengthof(names); i++)
		if (names[i] != NULL)
			store_lock_text(LOCK_BREAK_GLASS, 2, names[i]);
}

static void
check_pending(const Proposal *proposal)
{
	ProposalStatus now = proposal_status_now(proposal);

	if (now != PROPOSAL_PENDING)
		proposal_report_state(proposal, "wfo_not_pending", "pending",
							  now == PROPOSAL_APPROVED ? "It has its approvals. Use execute_action."
													   : "Propose the call again.");
}

static void
check_no_open(const Person *person)
{
	int count;
	const BreakGlass *open = break_glass_list_open(&count);

	for (int i = 0; i < count; i++)
		if (reviewer_is_actor(person, &open[i].person))
			report_wrong_state("wfo_break_glass_open",
							   errmsg("an earlier break glass has not been reviewed yet"),
							   errdetail("It was execution " INT64_FORMAT
										 " of proposal " INT64_FORMAT ", by actor " INT64_FORMAT
										 ".",
										 open[i].execution_id, open[i].proposal_id,
										 open[i].person.actor_id),
							   errhint("Somebody else must review it first, with "
									   "review_break_glass."));
}

static void
check_breaker(const Caller *caller, const Actor *actor)
{
	caller_check_acts_as(caller, actor);
	if (actor->kind != ACTOR_HUMAN)
		report_denied("wfo_kind_not_human",
					  errmsg("actor " INT64_FORMAT " may not break glass", actor->actor_id),
					  errdetail("It is of kind %s.", enum_label(&actor_kind_type, actor->kind)),
					  errhint("Only actors of kind human may break glass."));
}

static bool
may_break_glass(const Caller *caller, const Actor *actor)
{
	return caller_may_act(caller, actor) && actor->kind == ACTOR_HUMAN;
}

/* Check the call as its proposal stands. */
static void
check_emergency_call(const Caller *caller, const Actor *actor, const Person *person,
					 ApprovedCall *call, Proposal *proposal)
{
	check_pending(proposal);
	if (built_in_is(proposal->tool))
		tool_report_built_in(proposal->tool);
	approved_read(call, proposal);
	approved_check_session(call);
	if (call->dry_run)
		report_wrong_state("wfo_dry_run",
						   errmsg("proposal " INT64_FORMAT " would only be executed in a dry run",
								  proposal->proposal_id),
						   errhint("An administrator can end the dry run with set_policy, unless "
								   "it is the workflow's own."));
	check_no_open(person);
	check_breaker(caller, actor);
	approved_check_role(call);
}

/*
 * Execute a pending proposal, which may be the actor's own: returns the
 * execution's id and the result.
 *
 * Locks: the person, and the proposal's row without waiting.  An actor that may
 * not break glass is refused before.  Errors are as in execute.
 */
int64
break_glass(int64 proposal_id, const int64 *actor_id, const char *reason, Jsonb **result)
{
	Caller caller;
	const Actor *actor;
	Proposal *proposal;
	ApprovedCall call;
	CallResult outcome;
	Run run = {0};
	BreakGlass broken = {.proposal_id = proposal_id, .reason = reason};

	invoke_prepare();
	caller_identify(&caller);
	actor = caller_actor(&caller, actor_id, "actor_id");
	caller_person(&caller, actor, &broken.person);
	if (!may_break_glass(&caller, actor))
		check_emergency_call(&caller, actor, &broken.person, &call, approved_require(proposal_id));
	lock_person(&broken.person);
	proposal = approved_lock(proposal_id);
	actor = caller_read_again(&caller, actor);
	caller_person(&caller, actor, &broken.person);
	check_emergency_call(&caller, actor, &broken.person, &call, proposal);

	run.actor = actor;
	run.broken = &broken;
	run.execution_id = broken.execution_id = store_next_id(STORE_EXECUTION);
	broken.proposed_by = call.proposal->actor_id;
	broken.workflow_id = call.proposal->workflow_id;
	broken.revision = call.proposal->revision;
	broken.broken_at = GetCurrentTimestamp();
	broken.freeze_id = freeze_standing(call.tool->tool);
	ereport(WARNING, (errmsg("break glass: execution " INT64_FORMAT " of proposal " INT64_FORMAT
							 " revision " INT64_FORMAT
							 ", tool \"%s\", runs without approval for actor " INT64_FORMAT,
							 run.execution_id, proposal_id, broken.revision, call.tool->tool,
							 actor->actor_id)));
	approved_run(&call, &run, &outcome);
	*result = finish_call(&call, &run, caller.login_name, &outcome);
	return run.execution_id;
}

static BreakGlass *
check_break_glass_exists(int64 execution_id, BreakGlass *broken)
{
	if (broken == NULL)
		report_unknown("wfo_unknown_execution",
					   errmsg("execution " INT64_FORMAT " is not a break glass", execution_id),
					   errhint("The table workflow_orch.break_glass lists these executions."));
	return broken;
}

/* Refuse the person who broke the glass or proposed the call as the reviewer. */
static void
check_third_person(const Caller *caller, const Actor *reviewer, const BreakGlass *broken,
				   const Proposal *proposal)
{
	Person person;

	caller_person(caller, reviewer, &person);
	if (reviewer_is_actor(&person, &broken->person))
		report_denied("wfo_own_break_glass", errmsg("nobody may review their own break glass"),
					  errdetail("It was execution " INT64_FORMAT " by actor " INT64_FORMAT ".%s",
								broken->execution_id, broken->person.actor_id,
								reviewer_describe_mark(&person, &broken->person)),
					  errhint("Somebody else must review it.%s",
							  reviewer_describe_way_out(&person, &broken->person)));
	if (reviewer_is_proposer(&person, proposal))
		reviewer_report_own(&person, proposal, ACT_REVIEW);
}

static void
check_review(const Caller *caller, const Actor *reviewer, const BreakGlass *broken)
{
	const Proposal *proposal = proposal_require(broken->proposal_id);

	if (broken->reviewed)
		report_wrong_state("wfo_already_reviewed",
						   errmsg("the break glass of execution " INT64_FORMAT
								  " has already been reviewed",
								  broken->execution_id),
						   errhint("Add a comment with comment_proposal."));
	caller_check_acts_as(caller, reviewer);
	reviewer_check_kind(reviewer, policy_load());
	check_third_person(caller, reviewer, broken, proposal);
}

/*
 * Record that somebody has reviewed a break glass, who is neither the person
 * who broke the glass nor the one who proposed the call.
 *
 * Locks: its row.  An actor that may not review it is refused before.
 */
void
break_glass_review(int64 execution_id, const int64 *reviewer_id, const char *comment)
{
	Caller caller;
	const Actor *reviewer;
	BreakGlass *broken;

	caller_identify(&caller);
	reviewer = caller_actor(&caller, reviewer_id, "reviewer_id");
	check_review(&caller, reviewer,
				 check_break_glass_exists(execution_id, break_glass_load(execution_id)));
	broken = check_break_glass_exists(execution_id, break_glass_lock(execution_id));
	reviewer = caller_read_again(&caller, reviewer);
	check_review(&caller, reviewer, broken);
	break_glass_mark_reviewed(broken, reviewer->actor_id, comment);
}
