/*
 * readable.c
 *	  Proposals and workflows for callers who may read only their own.
 *
 * Each call that needs no more than the capability propose, and takes an id, gets
 * what the id stands for from here.  What the caller may not read is one thing
 * with what does not exist: the same error, which tells neither of status,
 * revision and ids nor whether there is anything.  Which rows those are is said
 * by the policies in sql/privileges.sql, too.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/identity/readable.h"
#include "engine/state.h"

/* Whether the caller may act for the actor whose row it is, be it active or not. */
static bool
is_callers_own(const Caller *caller, const int64 *actor_id)
{
	const Actor *actor = actor_id != NULL ? actor_load(*actor_id) : NULL;

	return actor != NULL && caller_is_owner_of(caller, actor);
}

/* The proposal, or NULL where the caller may not read it; 42704 for who reads all. */
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
 * The same, where it must be readable: else 42501, which says what the proposal
 * is not the caller's to do with.  The actor is the one that the call is for, or
 * NULL; who may not act as it is told that first, whatever the proposal.
 */
Proposal *
readable_proposal_require(const Caller *caller, const Actor *actor, int64 proposal_id,
						  const char *what)
{
	Proposal *proposal = readable_proposal(caller, proposal_id);

	if (proposal != NULL)
		return proposal;
	if (actor != NULL)
		caller_check_reads_as(caller, actor);
	report_denied("wfo_not_yours",
				  errmsg("proposal " INT64_FORMAT " is not yours to %s", proposal_id, what),
				  errhint("The table workflow_orch.proposal lists the proposals that role \"%s\" "
						  "may read.",
						  caller->role_name));
}

/* The workflow, or NULL where the caller may not read it; 42704 for who reads all. */
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
						  const char *what)
{
	Workflow *workflow = readable_workflow(caller, workflow_id);

	if (workflow != NULL)
		return workflow;
	if (actor != NULL)
		caller_check_reads_as(caller, actor);
	report_denied("wfo_not_yours",
				  errmsg("workflow " INT64_FORMAT " is not yours to %s", workflow_id, what),
				  errhint("The table workflow_orch.workflow lists the workflows that role \"%s\" "
						  "may read.",
						  caller->role_name));
}
