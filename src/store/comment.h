/*
 * comment.h
 *	  The table proposal_comment.
 */
#ifndef WFO_STORE_COMMENT_H
#define WFO_STORE_COMMENT_H

#include "postgres.h"

enum
{
	COMMENT_COMMENT_ID = 1,
	COMMENT_PROPOSAL_ID,
	COMMENT_WORKFLOW_ID,
	COMMENT_REVISION,
	COMMENT_ACTOR_ID,
	COMMENT_COMMENTED_AT,
	COMMENT_COMMENT,
	COMMENT_PROPOSED_BY,
	COMMENT_COLUMNS = COMMENT_PROPOSED_BY
};

typedef struct Comment
{
	int64 comment_id;
	int64 proposal_id;
	int64 proposed_by;
	int64 workflow_id;
	int64 revision;
	int64 actor_id;
	const char *comment;
} Comment;

extern void comment_insert(const Comment *comment);

#endif
