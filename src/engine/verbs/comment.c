/*
 * comment.c
 *	  Says something about a proposal without deciding on it.
 *
 * It owns the writing of a comment, and changes nothing of the proposal.
 * identity/readable.c says who may read the proposal, and so who may comment.
 */
#include "postgres.h"

#include "engine/identity/caller.h"
#include "engine/identity/readable.h"
#include "engine/state.h"
#include "engine/verbs/comment.h"
#include "store/comment.h"
#include "store/table.h"

/*
 * Comment on a proposal, whatever its status: returns the comment's id.  Every
 * caller that may read the proposal may comment on it.
 *
 * Locks: the workflow, against its purge only.
 */
int64
proposal_comment(int64 proposal_id, const int64 *actor_id, const char *text)
{
	Caller caller;
	const Actor *actor;
	const Proposal *proposal;
	Comment comment = {.proposal_id = proposal_id, .comment = text};

	caller_identify(&caller);
	actor = caller_actor(&caller, actor_id, "actor_id");
	proposal = readable_proposal_require(&caller, actor, proposal_id, "comment on");
	caller_check_acts_as(&caller, actor);
	workflow_require_to_stay(proposal->workflow_id);

	comment.comment_id = store_next_id(STORE_PROPOSAL_COMMENT);
	comment.proposed_by = proposal->actor_id;
	comment.workflow_id = proposal->workflow_id;
	comment.revision = proposal->revision;
	comment.actor_id = actor->actor_id;
	comment_insert(&comment);
	return comment.comment_id;
}
