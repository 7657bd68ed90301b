/*
 * new_revision.c
 *	  What every later revision of a proposal has in common.
 *
 * It owns what the verbs that make a revision share: the revision is pinned to
 * the tool's current definition, its requirements are worked out again, and
 * approvals of the previous revision do not count for it.  The verbs decide who
 * may make a revision and what becomes of the proposal.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/approval/new_revision.h"
#include "engine/approval/requirement.h"
#include "engine/identity/caller.h"
#include "engine/state.h"
#include "model/double_loss.h"
#include "store/tool_definition.h"

/* How many members of params one warning names. */
#define MAX_LOSSES_NAMED 10

/* Refuse with 54000 to write one more revision of a proposal that has had too many. */
void
new_revision_check_limit(const Proposal *proposal)
{
	if (proposal->revision >= REVISIONS_MAX)
		report_limit("wfo_too_many_revisions",
					 errmsg("proposal " INT64_FORMAT " has too many revisions",
							proposal->proposal_id),
					 errdetail("It has " INT64_FORMAT ", and the limit is %d.", proposal->revision,
							   REVISIONS_MAX),
					 errhint("Propose the call anew."));
}

/*
 * Fill in a revision whose params and author are set: number, definition, time
 * to live and requirements, and the reason where it is NULL, which stays.
 */
void
new_revision_work_out(Revision *revision, const RevisionSource *source)
{
	const Proposal *proposal = source->proposal;

	Assert(revision->params != NULL && source->author != NULL);
	revision->proposal_id = proposal->proposal_id;
	revision->proposed_by = proposal->actor_id;
	revision->created_at = GetCurrentTimestamp();
	revision->revision = proposal->revision + 1;
	revision->approve_until = expiry_after(&source->policy->proposal_ttl);
	revision->approval_ttl = interval_or_null(&source->policy->approval_ttl);
	revision->definition = source->definition->sha256;
	if (revision->reason == NULL)
		revision->reason = proposal->reason;
	requirement_work_out(revision,
						 &(RequirementSubject){
							 .tool = proposal->tool,
							 .reason = revision->reason,
							 .proposer = actor_require(proposal->actor_id),
							 .author = source->author,
							 .workflow_id = proposal->workflow_id,
							 .may_be_automatic = source->may_be_automatic,
						 },
						 source->policy);
}

/*
 * Warn about numbers that the revision changes by no more than a double would
 * lose: a client that reads JSON numbers as doubles changed them, and not a
 * person.
 */
static void
warn_of_double_loss(const Revision *revision, const Proposal *proposal)
{
	const char *members = double_losses(proposal->params, revision->params, MAX_LOSSES_NAMED);

	if (members != NULL)
		ereport(WARNING,
				(errmsg("revision " INT64_FORMAT " of proposal " INT64_FORMAT
						" changes numbers by no more than a double would lose",
						revision->revision, revision->proposal_id),
				 errdetail("Members of params: %s.", members),
				 errhint("A client that reads JSON numbers as doubles rounds those beyond 2^53. "
						 "Pass such numbers as strings, and read them as text.")));
}

/* Store the revision, and the definition that it is pinned to. */
void
new_revision_keep(const Revision *revision, const RevisionSource *source)
{
	tool_definition_keep(source->definition->sha256, source->tool->tool, source->definition->json);
	revision_insert(revision);
	warn_of_double_loss(revision, source->proposal);
}

/*
 * Set the columns of the proposal that change, except its status. open_stage is
 * 0 where no approval is missing.
 */
void
new_revision_set(StoreRow *row, const Revision *revision, const Policy *policy, int64 approvals,
				 int64 open_stage)
{
	row_set_int64(row, PROPOSAL_REVISION, revision->revision);
	row_set_int64(row, PROPOSAL_APPROVALS, approvals);
	row_set_int64(row, PROPOSAL_REQUIRED_APPROVALS, revision->required_approvals);
	row_set_pointer(row, PROPOSAL_REQUIREMENTS, revision->requirements);
	row_set_id(row, PROPOSAL_STAGE, open_stage != 0 ? &open_stage : NULL);
	row_set_id(row, PROPOSAL_RULE_ID, revision->rule_id);
	row_set_int64(row, PROPOSAL_REVISED_BY, revision->author.actor_id);
	row_set_time(row, PROPOSAL_REVISED_AT, revision->created_at);
	row_set_time(row, PROPOSAL_EXPIRES_AT,
				 open_stage == 0 ? expiry_after(&policy->approval_ttl) : revision->approve_until);
	row_set_pointer(row, PROPOSAL_APPROVAL_TTL, revision->approval_ttl);
	row_set_pointer(row, PROPOSAL_PARAMS, revision->params);
	row_set_text(row, PROPOSAL_REASON, revision->reason);
	row_set_pointer(row, PROPOSAL_DEFINITION, revision->definition);
	row_set_null(row, PROPOSAL_MAX_ROWS);
	row_set_null(row, PROPOSAL_STANDING_ID);
}

/* Update the proposal in memory once its row is written. */
void
new_revision_done(Proposal *proposal, const Revision *revision)
{
	proposal->params = revision->params;
	proposal->reason = unconstify(char *, revision->reason);
	proposal->definition = revision->definition;
	proposal->revision = revision->revision;
	proposal->max_rows = NULL;
}
