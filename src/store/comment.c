/*
 * comment.c
 *	  The table proposal_comment.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "store/comment.h"
#include "store/table.h"

const StoreTableInfo comment_table = {
	.name = "proposal_comment",
	.id_sequence = "proposal_comment_comment_id_seq",
	.columns = COMMENT_COLUMNS,
	.append_only = true,
	.personal = (const StorePersonal[]){{COMMENT_COMMENT, REDACTED_TO_TOKEN}, {0}},
	.workflow_id = COMMENT_WORKFLOW_ID,
	.proposal_id = COMMENT_PROPOSAL_ID,
	.proposed_by = COMMENT_PROPOSED_BY,
	.purged_by = COMMENT_PROPOSAL_ID,
	.purge_index = "proposal_comment_proposal_idx",
	.insert_call = "comment_proposal",
};

void
comment_insert(const Comment *comment)
{
	StoreRow row;

	store_row_init(&row, STORE_PROPOSAL_COMMENT);
	row_set_int64(&row, COMMENT_COMMENT_ID, comment->comment_id);
	row_set_int64(&row, COMMENT_PROPOSAL_ID, comment->proposal_id);
	row_set_int64(&row, COMMENT_PROPOSED_BY, comment->proposed_by);
	row_set_int64(&row, COMMENT_WORKFLOW_ID, comment->workflow_id);
	row_set_int64(&row, COMMENT_REVISION, comment->revision);
	row_set_int64(&row, COMMENT_ACTOR_ID, comment->actor_id);
	row_set_time(&row, COMMENT_COMMENTED_AT, GetCurrentTimestamp());
	row_set_text(&row, COMMENT_COMMENT, comment->comment);
	store_insert(&row);
}
