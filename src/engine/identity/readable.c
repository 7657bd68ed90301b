/*
 * readable.c
 *	  Proposals and workflows for callers who may read only their own.
 *
 * It owns the answer that such a caller gets for an id: each call that needs no
 * more than the capability "propose" and takes an id looks up its proposal or
 * workflow here.  A row that the caller may not read and a row that does not
 * exist give the same error, which tells nothing about status, revision and ids.
 * The policies in sql/privileges.sql say which rows those are for SQL; keep the
 * two in step.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "engine/identity/readable.h"
#include "engine/state.h"

/* Whether the caller may act for the actor of a row, active or not; NULL is no actor. */
static bool
is_callers_own(const Caller *caller, const int64 *actor_id)
{
	const Actor *actor = actor_id != NULL ? actor_load(*actor_id) : NULL;

	return actor != NULL && caller_is_owner_of(caller, actor);
}

/*
 * Refuse a row that the caller may not read or that does not exist: 42501.  The
 * error about the actor that the call is for, if there is one, comes first.
 */
pg_noreturn static void
report_not_yours(const Caller *caller, const Actor *actor, const char *object, int64 id,
				 const char *action)
{
	if (actor != NULL)
		caller_check_reads_as(caller, actor);
	report_denied("wfo_not_yours",
				  errmsg("%s " INT64_FORMAT " is not yours to %s", object, id, action),
				  errhint("The table workflow_orch.%s lists the %ss that role \"%s\" may read.",
						  object, object, caller->role_name));
}

/*
 * The proposal, or NULL where the caller may not read it.  For a caller who reads
 * every proposal, 42704 where it does not exist.
 */
Proposal *
readable_proposal(const Caller *caller, int64 proposal_id)
{
	Proposal *proposal;

	if (caller_reads_all(caller))
		return proposal_require(proposal_id);
	proposal = proposal_load(proposal_id);
	return proposal != NULL && is_callers_own(caller, &proposal->actor_id) ? proposal : NULL;
}

/*
 * The same, but 42501 where the caller may not read it.  The action is what the
 * caller wants to do with the proposal; actor is the one that the call is for, or
 * NULL.
 */
Proposal *
readable_proposal_require(const Caller *caller, const Actor *actor, int64 proposal_id,
						  const char *action)
{
	Proposal *proposal = readable_proposal(caller, proposal_id);

	if (proposal == NULL)
		report_not_yours(caller, actor, "proposal", proposal_id, action);
	return proposal;
}

/* As readable_proposal. */
Workflow *
readable_workflow(const Caller *caller, int64 workflow_id)
{
	Workflow *workflow;

	if (caller_reads_all(caller))
		return workflow_require(workflow_id);
	workflow = workflow_load(workflow_id);
	return workflow != NULL && is_callers_own(caller, workflow->actor_id) ? workflow : NULL;
}

/* As readable_proposal_require. */
Workflow *
readable_workflow_require(const Caller *caller, const Actor *actor, int64 workflow_id,
						  const char *action)
{
	Workflow *workflow = readable_workflow(caller, workflow_id);

	if (workflow == NULL)
		report_not_yours(caller, actor, "workflow", workflow_id, action);
	return workflow;
}
