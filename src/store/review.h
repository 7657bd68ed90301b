/*
 * review.h
 *	  The table review.
 */
#ifndef WFO_STORE_REVIEW_H
#define WFO_STORE_REVIEW_H

#include "postgres.h"

#include "model/person.h"
#include "model/status.h"
#include "utils/jsonb.h"

enum
{
	REVIEW_REVIEW_ID = 1,
	REVIEW_PROPOSAL_ID,
	REVIEW_WORKFLOW_ID,
	REVIEW_REVISION,
	REVIEW_REVIEWER_ID,
	REVIEW_DECISION,
	REVIEW_STATUS,
	REVIEW_COUNTS,
	REVIEW_STAGE,
	REVIEW_REVIEWED_AT,
	REVIEW_KIND,
	REVIEW_ROLE,
	REVIEW_ON_BEHALF_OF,
	REVIEW_PERSON,
	REVIEW_DB_ROLE,
	REVIEW_LOGIN,
	REVIEW_COMMENT,
	REVIEW_EDITS,
	REVIEW_PREVIEW_ID,
	REVIEW_MAX_ROWS,
	REVIEW_PROPOSED_BY,
	REVIEW_ADMINISTERS,
	REVIEW_COLUMNS = REVIEW_ADMINISTERS
};

typedef struct Review
{
	int64 review_id;
	int64 proposal_id;
	int64 proposed_by;
	int64 workflow_id;
	int64 revision;
	Person reviewer;
	ReviewDecision decision;
	ProposalStatus status;
	bool counts;
	int64 stage; /* 0: no approval, or an edit's, which counts in any stage */
	ActorKind kind;
	const char *role;
	const int64 *on_behalf_of; /* NULL: in their own right */
	char *comment;
	Jsonb *edits;
	int64 *preview_id;     /* NULL: none attached */
	const int64 *max_rows; /* that the call may change; NULL: any number */
	bool administers;      /* they held administer, in a review of a built-in tool's call */
} Review;

extern void review_insert(const Review *review);
extern int review_count(int64 proposal_id);
extern Review *review_list(int64 proposal_id, int64 revision, int *count);
extern Review *review_list_from(int64 proposal_id, int64 revision, int *count);

#endif
