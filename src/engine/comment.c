/*
 * comment.c
 *	  Says something about a proposal without deciding on it.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/settings.h"
#include "engine/caller.h"
#include "engine/state.h"
#include "engine/verbs.h"
#include "store/comment.h"
#include "store/table.h"

/*
 * Comment on a proposal, whatever its status: returns the comment's id.  Who may
 * read the proposal may: its proposer, and who reads them all.
 */
int64
proposal_comment(int64 proposal_id, const int64 *actor_id, const char *text)
{
	Caller caller;
	const Actor *actor;
	const Proposal *proposal;
	Comment comment = {.proposal_id = proposal_id, .comment = text};

	if (strlen(text) > (Size) setting_max_params_size * 1024)
		report_limit("wfo_argument_too_long", errmsg("the comment is too long"),
					 errdetail("It has %zu bytes; the limit is %d kB.", strlen(text),
							   setting_max_params_size),
					 errhint("The limit is the setting workflow_orch.max_params_size."));

	caller_identify(&caller);
	actor = caller_actor(&caller, actor_id, "actor_id");
	proposal = proposal_require(proposal_id);
	caller_check_acts_as(&caller, actor);
	if (actor->actor_id != proposal->actor_id && !caller_reads_all(&caller))
		report_denied("wfo_not_yours",
					  errmsg("proposal " INT64_FORMAT " is not yours to comment on", proposal_id),
					  errdetail("Actor " INT64_FORMAT " proposed it.", proposal->actor_id),
					  errhint("Ask for the capability \"review\"."));

	comment.comment_id = store_next_id(STORE_PROPOSAL_COMMENT);
	comment.proposed_by = proposal->actor_id;
	comment.workflow_id = proposal->workflow_id;
	comment.revision = proposal->revision;
	comment.actor_id = actor->actor_id;
	comment_insert(&comment);
	return comment.comment_id;
}
