/*
 * preview.c
 *	  Shows a reviewer what a call would do, by running it and rolling it back.
 *
 * It owns who may preview a proposal, and the row of the preview.  Running and
 * undoing the call is the business of tool/simulate.c.
 *
 * A preview is no way to act: what the call does is undone, and no actor previews
 * a call of its own.  A gateway that acts for no actor may preview any call.  The
 * caller's own deferred triggers have to fire before the tool runs, as in an
 * execution.  So all of it runs in a subtransaction: the triggers are undone with
 * the rest, and fire again when their time comes.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/log_limit.h"
#include "base/subtransaction.h"
#include "engine/approval/requirement.h"
#include "engine/approval/reviewer.h"
#include "engine/approval/vote.h"
#include "engine/identity/caller.h"
#include "engine/run/frozen.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/tool/run_as.h"
#include "engine/tool/simulate.h"
#include "engine/verbs/preview.h"
#include "store/preview.h"
#include "store/table.h"

typedef struct PreviewContext
{
	int64 proposal_id;
	Caller caller;
	const Actor *actor; /* NULL: nobody in particular */
	const Policy *policy;
	Proposal *proposal;
	CallResult result;
} PreviewContext;

static void
check_previewable(const Proposal *proposal, const Tool *tool)
{
	ProposalStatus now = proposal_status_now(proposal);

	if (now != PROPOSAL_PENDING && now != PROPOSAL_APPROVED)
		proposal_report_state(proposal, "wfo_not_open", "pending or approved",
							  "Only a proposal that may still be executed can be previewed.");
	tool_check_enabled(tool);
	if (!tool->preview)
		report_wrong_state(
			"wfo_no_preview", errmsg("calls of tool \"%s\" cannot be previewed", tool->tool),
			tool->built_in ? errdetail("Proposing the call has tried it, and its params tell "
									   "what it is about.")
						   : errdetail("The tool is not known to do only what a rollback "
									   "undoes."),
			tool->built_in
				? errhint("Review the call without a preview.")
				: errhint("If a rollback undoes everything that the tool does, an "
						  "administrator can allow previews with update_tool(..., preview "
						  "=> true)."));
	if (!tool->in_session)
		report_wrong_state("wfo_not_in_session",
						   errmsg("tool \"%s\" does not run in a session", tool->tool),
						   errdetail("A preview runs in the reviewer's session."),
						   errhint("Review the call without a preview."));
	freeze_check(tool->tool);
}

/*
 * Refuse an actor that may not preview; a gateway may act for no actor.
 *
 * Proposers do not preview their own proposals: the call would run before
 * anybody else has looked at it, and show them what the tool's role can read.
 * For the latter reason, actors that have no say in the proposal do not preview
 * it either.  If it needs no approvals, every actor that may review has a say,
 * since it may edit the proposal.
 */
static void
check_previewer(const PreviewContext *context)
{
	const Caller *caller = &context->caller;
	Person person;
	Voter voter;
	Votes votes;
	ReviewSlot slot;

	if (context->actor == NULL)
		return;
	caller_check_acts_as(caller, context->actor);
	reviewer_check_kind(context->actor, context->policy);
	caller_person(caller, context->actor, &person);
	if (reviewer_is_proposer(&person, context->proposal))
		reviewer_report_own(&person, context->proposal, ACT_PREVIEW);
	voter_init(&voter, context->actor, &person, context->proposal, context->policy);
	votes_load(&votes, context->proposal);
	if (votes.quorum.count > 0 && !voter_fits(&voter, &votes, &votes.quorum, &slot))
		report_denied("wfo_no_slot",
					  errmsg("actor " INT64_FORMAT " may not preview proposal " INT64_FORMAT,
							 context->actor->actor_id, context->proposal->proposal_id),
					  errdetail("The actor has the role \"%s\". The "
								"proposal asks for approvals: %s.",
								context->actor->role, requirement_describe(&votes.quorum, 0)),
					  errhint("An actor that may approve or reject the proposal can preview it."));
}

/* Log the start, which no rollback removes from the log. */
static void
log_preview_start(const PreviewContext *context, const Tool *tool)
{
	if (!log_limit_pass("preview starts", context->proposal->proposal_id))
		return;
	ereport(LOG_SERVER_ONLY,
			(errhidestmt(true), errhidecontext(true),
			 errmsg("preview of proposal " INT64_FORMAT " revision " INT64_FORMAT
					" starts: tool \"%s\" as role \"%s\" for actor %s",
					context->proposal->proposal_id, context->proposal->revision, tool->tool,
					tool->run_as,
					context->actor != NULL ? psprintf(INT64_FORMAT, context->actor->actor_id)
										   : "(none)")));
}

/* Check and run the call, in a subtransaction that is rolled back. */
static void
check_and_run(void *arg)
{
	PreviewContext *context = arg;
	int64 proposal_id = context->proposal_id;
	Proposal *proposal;
	const Tool *tool;
	const Definition *definition;
	CallResult *result = &context->result;
	Invocation invocation = {.proposal_id = proposal_id,
							 .actor = context->actor != NULL ? context->actor->name : NULL};

	invoke_prepare();
	proposal = context->proposal = proposal_require(proposal_id);
	tool = tool_require(proposal->tool);
	check_previewable(proposal, tool);
	invocation.run_as = run_as_current(tool);
	definition = definition_load(tool);
	definition_check_pinned(tool, definition, proposal->definition, proposal_id);
	check_previewer(context);
	run_as_check(definition, invocation.run_as);
	log_preview_start(context, tool);

	result->tool = proposal->tool;
	result->params = proposal->params;
	result->started_at = GetCurrentTimestamp();
	simulate(&invocation, tool, definition, tool_timeout(tool, context->policy), proposal, result);
	result->finished_at = GetCurrentTimestamp();
}

/*
 * Preview a proposal's call: returns what it did.
 *
 * Takes no lock on the proposal: the preview names the revision that it shows.
 * Locks the workflow, against its purge only.
 */
Jsonb *
preview(int64 proposal_id, const int64 *actor_id)
{
	PreviewContext context = {.proposal_id = proposal_id};
	Preview row = {.proposal_id = proposal_id};
	ErrorData *error;

	caller_identify(&context.caller);
	context.actor = context.caller.gateway ? caller_actor_or_null(&context.caller, actor_id)
										   : caller_actor(&context.caller, actor_id, "actor_id");
	context.policy = policy_load();
	error = subtransaction_undo(check_and_run, &context);
	if (error != NULL)
		ReThrowError(error);

	workflow_require_to_stay(context.proposal->workflow_id);
	row.preview_id = store_next_id(STORE_PREVIEW);
	row.workflow_id = context.proposal->workflow_id;
	row.revision = context.proposal->revision;
	row.actor_id = context.actor != NULL ? &context.actor->actor_id : NULL;
	row.previewed_at = context.result.started_at;
	row.preview = preview_build(&context.result, row.preview_id, proposal_id, row.revision);
	preview_insert(&row);
	return row.preview;
}
