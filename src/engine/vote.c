/*
 * vote.c
 *	  What the reviews of a revision come to, and where one more would count.
 *
 * Whoever approved is somebody else than those before, by what they were known
 * by at that time: this is judged once, when the review is made.
 */
#include "postgres.h"

#include "engine/requirement.h"
#include "engine/reviewer.h"
#include "engine/vote.h"

/* Read what stands of the current revision. */
void
votes_load(Votes *votes, const Proposal *proposal)
{
	votes->proposal = proposal;
	votes->quorum = requirement_quorum(proposal->requirements);
	votes->reviews = review_list(proposal->proposal_id, proposal->revision, &votes->nreviews);
	votes->approvals = palloc(sizeof(Approval) * Max(votes->nreviews, 1));
	votes->approvers = palloc(sizeof(Person) * Max(votes->nreviews, 1));
	votes->napprovals = 0;
	for (int i = 0; i < votes->nreviews; i++)
	{
		const Review *review = &votes->reviews[i];

		if (!review->counts)
			continue;
		votes->approvals[votes->napprovals] = (Approval){.role = review->role,
														 .stage = review->stage};
		votes->approvers[votes->napprovals++] = review->reviewer;
	}
	votes->open_stage = quorum_open_stage(&votes->quorum, votes->approvals, votes->napprovals);
}

/* Somebody who acts as this actor now: in which roles. */
void
voter_init(Voter *voter, const Actor *actor, const Person *person, const Proposal *proposal,
		   const Policy *policy)
{
	(void) proposal;
	(void) policy;
	voter->actor = actor;
	voter->person = *person;
	voter->roles = palloc(sizeof(Slot));
	voter->roles[0] = (Slot){.role = actor->role};
	voter->nroles = 1;
	voter->fellows = palloc(sizeof(Person));
	voter->nfellows = 0;
}

static bool
is_author_without_vote(const Person *person, const Votes *votes)
{
	for (int i = 0; i < votes->nreviews; i++)
		if (votes->reviews[i].decision == DECISION_EDIT && !votes->reviews[i].counts &&
			person_is_same(person, &votes->reviews[i].reviewer))
			return true;
	return false;
}

/* Whether the voter wrote the current revision without it counting as an approval. */
bool
voter_is_author_without_vote(const Voter *voter, const Votes *votes)
{
	return is_author_without_vote(&voter->person, votes);
}

/* What the voter's actor has decided on the current revision, or NULL. */
const Review *
voter_review(const Voter *voter, const Votes *votes)
{
	for (int i = 0; i < votes->nreviews; i++)
		if (votes->reviews[i].reviewer.actor_id == voter->actor->actor_id)
			return &votes->reviews[i];
	return NULL;
}

/*
 * Whether the voter is the same person as somebody who has approved, sharing
 * marks with them or with somebody in between.
 */
bool
voter_has_approved(const Voter *voter, const Votes *votes)
{
	int count = votes->napprovals + voter->nfellows + 1;
	Person *persons = palloc(sizeof(Person) * count);
	int *groups;

	persons[0] = voter->person;
	memcpy(persons + 1, voter->fellows, sizeof(Person) * voter->nfellows);
	memcpy(persons + 1 + voter->nfellows, votes->approvers, sizeof(Person) * votes->napprovals);
	groups = person_groups(persons, count);
	for (int i = voter->nfellows + 1; i < count; i++)
		if (groups[i] == groups[0])
			return true;
	return false;
}

/* Where an approval by the voter would count, and in which role. */
bool
voter_find_slot(const Voter *voter, const Votes *votes, Slot *slot)
{
	for (int i = 0; i < voter->nroles; i++)
	{
		int64 stage = quorum_place(&votes->quorum, votes->approvals, votes->napprovals,
								   voter->roles[i].role);

		if (stage == 0)
			continue;
		*slot = voter->roles[i];
		slot->stage = stage;
		return true;
	}
	return false;
}

/* In which role the voter could have any slot at all. */
bool
voter_fits(const Voter *voter, const Quorum *quorum, Slot *slot)
{
	for (int i = 0; i < voter->nroles; i++)
	{
		if (!quorum_wants(quorum, 0, voter->roles[i].role))
			continue;
		*slot = voter->roles[i];
		return true;
	}
	return false;
}

/*
 * In which role the voter may edit: one that has a place in the open stage
 * beside the other approvals, or, where all stages are complete, in any.
 */
bool
voter_find_slot_of_edit(const Voter *voter, const Votes *votes, Slot *slot)
{
	Votes others = *votes;

	if (votes->open_stage == 0)
		return voter_fits(voter, &votes->quorum, slot);
	others.approvals = palloc(sizeof(Approval) * Max(votes->napprovals, 1));
	others.napprovals = 0;
	for (int i = 0; i < votes->napprovals; i++)
		if (!person_is_same(&voter->person, &votes->approvers[i]))
			others.approvals[others.napprovals++] = votes->approvals[i];
	if (!voter_find_slot(voter, &others, slot))
		return false;
	slot->stage = 0;
	return true;
}

/* Whether review_action would take an approval by the voter now, and where it would count. */
bool
voter_may_approve(const Voter *voter, const Votes *votes, const Policy *policy, Slot *slot)
{
	const Proposal *proposal = votes->proposal;

	return voter->actor->active && reviewer_is_of_kind(voter->actor, policy) &&
		   (proposal->proposer_may_review || !reviewer_is_proposer(&voter->person, proposal)) &&
		   !voter_is_author_without_vote(voter, votes) && voter_review(voter, votes) == NULL &&
		   !voter_has_approved(voter, votes) && voter_find_slot(voter, votes, slot);
}
