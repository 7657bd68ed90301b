/*
 * change_request.h
 *	  Requests for changes of a proposal that stand.
 */
#ifndef WFO_ENGINE_CHANGE_REQUEST_H
#define WFO_ENGINE_CHANGE_REQUEST_H

#include "postgres.h"

#include "store/proposal.h"
#include "store/review.h"

/* How often one person may request changes of one proposal. */
#define CHANGE_REQUESTS_MAX 3

extern Review *change_requests_standing(const Proposal *proposal, int *count);
extern int change_requests_by(int64 proposal_id, const Person *person);

#endif
