/*
 * change_request.c
 *	  Requests for changes of a proposal that stand.
 *
 * It owns which requests stand.  review.c makes them, and revoke.c takes them
 * back.
 *
 * A request is a review that does not count as a decision.  While it stands
 * nobody but the asker approves.  It is about a wording: revisions that only pin
 * the tool afresh keep it, and the next wording ends it, since requested_since of
 * the proposal is null from then on.  The asker lifts it by deciding or by
 * revoking it, and it falls when the asker is deactivated.
 *
 * Nothing here locks or raises an error.
 */
#include "postgres.h"

#include "engine/approval/change_request.h"
#include "model/person.h"
#include "store/actor.h"
#include "store/revocation.h"

static bool
is_revoked(int64 review_id, const int64 *revoked, int nrevoked)
{
	for (int i = 0; i < nrevoked; i++)
		if (revoked[i] == review_id)
			return true;
	return false;
}

/* Whether the asker has decided since, in the order in which reviews are made. */
static bool
has_decided_since(const Review *request, const Review *reviews, int count)
{
	for (int i = 0; i < count; i++)
		if (reviews[i].review_id > request->review_id &&
			reviews[i].decision != DECISION_REQUEST_CHANGES &&
			reviews[i].reviewer.actor_id == request->reviewer.actor_id)
			return true;
	return false;
}

/* The requests that stand for the current wording of a proposal. */
Review *
change_requests_standing(const Proposal *proposal, int *count)
{
	Review *reviews;
	Review *standing;
	int64 *revoked;
	int nreviews;
	int nrevoked;

	*count = 0;
	if (proposal->requested_since == 0)
		return NULL;
	reviews = review_list_from(proposal->proposal_id, proposal->requested_since, &nreviews);
	revoked = revocation_list_all(proposal->proposal_id, &nrevoked);
	standing = palloc(sizeof(Review) * Max(nreviews, 1));
	for (int i = 0; i < nreviews; i++)
	{
		const Review *request = &reviews[i];
		const Actor *asker;

		if (request->decision != DECISION_REQUEST_CHANGES ||
			is_revoked(request->review_id, revoked, nrevoked) ||
			has_decided_since(request, reviews, nreviews))
			continue;
		asker = actor_load(request->reviewer.actor_id);
		if (asker != NULL && asker->active)
			standing[(*count)++] = *request;
	}
	return standing;
}

/* How often a person has requested changes of a proposal, of any wording. */
int
change_requests_by(int64 proposal_id, const Person *person)
{
	int nreviews;
	Review *reviews = review_list_from(proposal_id, 1, &nreviews);
	int count = 0;

	for (int i = 0; i < nreviews; i++)
		count += reviews[i].decision == DECISION_REQUEST_CHANGES &&
				 person_is_same(person, &reviews[i].reviewer);
	return count;
}
