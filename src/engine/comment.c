/*
 * comment.c
 *	  Says something about a proposal without deciding on it.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/caller.h"
#include "engine/state.h"
#include "engine/verbs.h"
#include "store/comment.h"
#include "store/table.h"

/* Who reads a proposal may say something about it: its proposer, and who reads them all. */
static bool
may_read(const Caller *caller, const Actor *actor, const Proposal *proposal)
{
	return actor->actor_id == proposal->actor_id || caller->gateway ||
		   caller_has(caller, CAPABILITY_REVIEW) || caller_has(caller, CAPABILITY_EXECUTE) ||
		   caller_has(caller, CAPABILITY_AUDIT) || caller_has(caller, CAPABILITY_ADMINISTER);
}

/* Comment on a proposal, whatever its status: returns the comment's id. */
int64
proposal_comment(int64 proposal_id, const int64 *actor_id, const char *text)
{
	Caller caller;
	const Actor *actor;
	const Proposal *proposal;
	Comment comment = {.proposal_id = proposal_id, .comment = text};

	caller_identify(&caller);
	actor = caller_actor(&caller, actor_id, "actor_id");
	proposal = proposal_require(proposal_id);
	caller_check_acts_as(&caller, actor);
	if (!may_read(&caller, actor, proposal))
		report_denied(errmsg("proposal " INT64_FORMAT " is not yours to comment on", proposal_id),
					  errdetail("Actor " INT64_FORMAT " proposed it.", proposal->actor_id),
					  errhint("Ask for the capability \"review\"."));

	comment.comment_id = store_next_id(STORE_PROPOSAL_COMMENT);
	comment.workflow_id = proposal->workflow_id;
	comment.revision = proposal->revision;
	comment.actor_id = actor->actor_id;
	comment_insert(&comment);
	return comment.comment_id;
}
