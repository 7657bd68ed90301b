/*
 * review.h
 *	  Approves, rejects and edits proposals.
 */
#ifndef WFO_ENGINE_REVIEW_H
#define WFO_ENGINE_REVIEW_H

#include "postgres.h"

#include "model/status.h"
#include "utils/jsonb.h"

typedef struct ReviewRequest
{
	int64 proposal_id;
	int64 *reviewer_id;
	ReviewDecision decision;
	Jsonb *edits; /* with an edit */
	char *comment;
	int64 *expected_revision;
	int64 *preview_id;
	int64 *max_rows; /* with an approval or an edit */
} ReviewRequest;

extern ProposalStatus review(const ReviewRequest *request, Jsonb **final_tool_call);

#endif
