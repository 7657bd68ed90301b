/*
 * vote.c
 *	  What the reviews of a revision come to, and where one more would count.
 *
 * It owns the count of a revision's reviews.  Each approval is given by another
 * person than those before, judged by the marks that they had at that time.
 * This is judged once, when the review is made.  Nothing here writes: review.c
 * decides.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/approval/change_request.h"
#include "engine/approval/requirement.h"
#include "engine/approval/reviewer.h"
#include "engine/approval/standing.h"
#include "engine/approval/vote.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
#include "engine/tool/row_limit.h"
#include "model/built_in.h"
#include "store/revocation.h"
#include "utils/timestamp.h"

/* Leave out the reviews that were revoked. */
static void
drop_revoked(Votes *votes)
{
	const Proposal *proposal = votes->proposal;
	int nrevoked;
	int64 *revoked = revocation_list(proposal->proposal_id, proposal->revision, &nrevoked);
	int kept = 0;

	for (int i = 0; i < votes->nreviews; i++)
	{
		bool stands = true;

		for (int j = 0; j < nrevoked; j++)
			if (revoked[j] == votes->reviews[i].review_id)
				stands = false;
		if (stands)
			votes->reviews[kept++] = votes->reviews[i];
	}
	votes->nreviews = kept;
}

/*
 * Find the authors of the current params whose edit did not count as an
 * approval.  The params may be those of an earlier revision that somebody has
 * come back to.
 * Where the proposer has come back to them, no edit counts as an approval.
 */
static void
find_authors(Votes *votes)
{
	const Proposal *proposal = votes->proposal;
	bool by_proposer = proposal->revised_by == proposal->actor_id;

	votes->authors = palloc(sizeof(Person) * (proposal->revision + 1));
	votes->nauthors = 0;
	if (proposal->revision > 1 && by_proposer)
		votes->authors[votes->nauthors++] =
			revision_require(proposal->proposal_id, proposal->revision)->author;
	for (int64 revision = proposal->revision; revision > 1; revision--)
	{
		int count = votes->nreviews;
		const Review *reviews = votes->reviews;

		if (revision != proposal->revision)
			reviews = review_list(proposal->proposal_id, revision, &count);
		for (int i = 0; i < count; i++)
		{
			if (reviews[i].decision != DECISION_EDIT || (reviews[i].counts && !by_proposer))
				continue;
			if (revision == proposal->revision ||
				built_in_same_wording(proposal->tool,
									  revision_require(proposal->proposal_id, revision)->params,
									  proposal->params))
				votes->authors[votes->nauthors++] = reviews[i].reviewer;
			break;
		}
	}
}

/* Read the reviews of the current revision that have not been revoked. */
void
votes_load(Votes *votes, const Proposal *proposal)
{
	votes->proposal = proposal;
	votes->quorum = requirement_quorum(proposal->requirements);
	votes->reviews = review_list(proposal->proposal_id, proposal->revision, &votes->nreviews);
	if (votes->nreviews > 0)
		drop_revoked(votes);
	votes->approvals = palloc(sizeof(Approval) * Max(votes->nreviews, 1));
	votes->approvers = palloc(sizeof(Person) * Max(votes->nreviews, 1));
	votes->napprovals = 0;
	votes->max_rows = NULL;
	for (int i = 0; i < votes->nreviews; i++)
	{
		const Review *review = &votes->reviews[i];

		votes->max_rows = row_limit_smaller(votes->max_rows, review->max_rows);
		if (!review->counts)
			continue;
		votes->approvals[votes->napprovals] = (Approval){.role = review->role,
														 .stage = review->stage,
														 .administers = review->administers};
		votes->approvers[votes->napprovals] = review->reviewer;
		if (review->on_behalf_of != NULL)
			votes->approvers[votes->napprovals].on_behalf_of = *review->on_behalf_of;
		votes->napprovals++;
	}
	votes->open_stage = quorum_open_stage(&votes->quorum, votes->approvals, votes->napprovals);
	find_authors(votes);
	votes->requests = change_requests_standing(proposal, &votes->nrequests);
}

static void
add_fellow(Voter *voter, Person fellow)
{
	fellow.on_behalf_of = voter->actor->actor_id;
	voter->fellows[voter->nfellows++] = fellow;
}

/*
 * Set up the person who acts as this actor, with the actor's own role and the
 * roles delegated to it.
 *
 * A delegation lends no more than the delegator could do.  It does not pass on
 * what was delegated to the delegator, and does not apply to the delegator's
 * own proposals and standing approvals.  Nor does it apply to the delegate's own
 * proposals, which the delegate decides on, if at all, in their own role.  It lends a role to the
 * named actor only, but makes delegator and delegate one person: the other
 * actors of both count with them.  Calls of built-in tools are reviewed in one's
 * own right only.
 */
void
voter_init(Voter *voter, const Actor *actor, const Person *person, const Proposal *proposal,
		   const Policy *policy)
{
	const DelegationList *list = delegation_list();
	bool administrative = built_in_is_administrative(proposal->tool);
	bool own = administrative || (list->count > 0 && reviewer_is_proposer(person, proposal));

	voter->actor = actor;
	voter->person = *person;
	voter->roles = palloc(sizeof(VoterRole) * (list->count + 1));
	voter->roles[0] = (VoterRole){
		.slot = {.role = actor->role, .administers = administrative && actor_administers(actor)}};
	voter->nroles = 1;
	voter->fellows = palloc(sizeof(Person) * (list->count + 1));
	voter->nfellows = 0;
	for (int i = 0; i < list->count; i++)
	{
		const Delegation *delegation = &list->delegations[i];
		const Actor *from;
		const Actor *to;
		Person delegator;
		Person delegate;

		if (!delegation_is_in_force(delegation))
			continue;
		from = actor_require(delegation->from_actor);
		to = actor_require(delegation->to_actor);
		delegator = actor_person(from);
		delegate = actor_person(to);
		if (to->actor_id == actor->actor_id && !own && from->active &&
			reviewer_is_of_kind(from, policy) && !reviewer_is_proposer(&delegator, proposal) &&
			!(built_in_is_standing(proposal->tool) &&
			  standing_is_holder(&delegator, proposal->params)))
			voter->roles[voter->nroles++] = (VoterRole){
				.slot = {.role = from->role, .on_behalf_of = &from->actor_id},
				.delegator = delegator,
			};
		if (person_is_same(person, &delegate))
			add_fellow(voter, delegator);
		else if (person_is_same(person, &delegator))
			add_fellow(voter, delegate);
	}
}

/* The approval that a decision in this slot would be. */
Approval
slot_approval(const ReviewSlot *slot)
{
	return (Approval){.role = slot->role, .stage = slot->stage, .administers = slot->administers};
}

static bool
is_author_without_vote(const Person *person, const Votes *votes)
{
	for (int i = 0; i < votes->nauthors; i++)
		if (person_is_same(person, &votes->authors[i]))
			return true;
	return false;
}

/* Whether the voter wrote the current params without it counting as an approval. */
bool
voter_is_author_without_vote(const Voter *voter, const Votes *votes)
{
	return is_author_without_vote(&voter->person, votes);
}

/* The voter's own request for changes that stands, or NULL. */
const Review *
voter_request(const Voter *voter, const Votes *votes)
{
	for (int i = 0; i < votes->nrequests; i++)
		if (votes->requests[i].reviewer.actor_id == voter->actor->actor_id)
			return &votes->requests[i];
	return NULL;
}

/* Somebody else's request for changes, which keeps the voter from approving, or NULL. */
const Review *
voter_blocker(const Voter *voter, const Votes *votes)
{
	for (int i = 0; i < votes->nrequests; i++)
		if (votes->requests[i].reviewer.actor_id != voter->actor->actor_id)
			return &votes->requests[i];
	return NULL;
}

/* What the voter's actor has decided on the current revision, or NULL. */
const Review *
voter_review(const Voter *voter, const Votes *votes)
{
	for (int i = 0; i < votes->nreviews; i++)
		if (votes->reviews[i].reviewer.actor_id == voter->actor->actor_id &&
			votes->reviews[i].decision != DECISION_REQUEST_CHANGES)
			return &votes->reviews[i];
	return NULL;
}

/*
 * Whether the voter is the same person as somebody who has approved.  They may
 * share marks directly or through somebody in between: delegator and delegate
 * are one person.
 */
bool
voter_has_approved(const Voter *voter, const Votes *votes)
{
	Person *persons = palloc(sizeof(Person) * (1 + voter->nfellows + 3 * votes->napprovals));
	int count = 0;
	int *groups;

	memcpy(persons, votes->approvers, sizeof(Person) * votes->napprovals);
	count = votes->napprovals;
	persons[count++] = voter->person;
	memcpy(persons + count, voter->fellows, sizeof(Person) * voter->nfellows);
	count += voter->nfellows;
	for (int i = 0; i < votes->napprovals; i++)
	{
		const Person *approver = &votes->approvers[i];
		const Actor *actor = actor_require(approver->actor_id);

		if (approver->on_behalf_of != 0)
			persons[count++] = actor_person(actor_require(approver->on_behalf_of));
		/* A role that was renamed in the meantime is still theirs. */
		if (approver->db_role != NULL && actor_was_known_as(actor, approver->db_role))
			persons[count++] = (Person){.actor_id = actor->actor_id,
										.db_role = actor_role_name(actor)};
	}
	groups = person_groups(persons, count);
	for (int i = 0; i < votes->napprovals; i++)
		if (groups[i] == groups[votes->napprovals])
			return true;
	return false;
}

/*
 * Whether the voter may use a role: not the role of a delegator who could not
 * approve the revision as its author.
 */
static bool
role_is_usable(const VoterRole *role, const Votes *votes)
{
	return role->slot.on_behalf_of == NULL || !is_author_without_vote(&role->delegator, votes);
}

/* Where an approval by the voter would count, and in which role. */
bool
voter_find_slot(const Voter *voter, const Votes *votes, ReviewSlot *slot)
{
	for (int i = 0; i < voter->nroles; i++)
	{
		const VoterRole *role = &voter->roles[i];
		int64 stage;

		if (!role_is_usable(role, votes))
			continue;
		stage = quorum_place(&votes->quorum, votes->approvals, votes->napprovals,
							 &(Approval){.role = role->slot.role,
										 .administers = role->slot.administers});
		if (stage == 0)
			continue;
		*slot = role->slot;
		slot->stage = stage;
		return true;
	}
	return false;
}

/* The role in which the voter fits any slot of a quorum, which need not be that of the votes. */
bool
voter_fits(const Voter *voter, const Votes *votes, const Quorum *quorum, ReviewSlot *slot)
{
	for (int i = 0; i < voter->nroles; i++)
	{
		if (!role_is_usable(&voter->roles[i], votes) ||
			!quorum_wants(quorum, &(Approval){.role = voter->roles[i].slot.role,
											  .administers = voter->roles[i].slot.administers}))
			continue;
		*slot = voter->roles[i].slot;
		return true;
	}
	return false;
}

/*
 * The role in which the voter may edit: one that has a place in the open stage
 * beside the other approvals or, if all stages are complete, in any stage.  A
 * proposal that needs no approvals can be edited by every actor that may
 * review.
 */
bool
voter_find_slot_of_edit(const Voter *voter, const Votes *votes, ReviewSlot *slot)
{
	Votes others = *votes;

	if (votes->quorum.count == 0)
	{
		*slot = voter->roles[0].slot;
		return true;
	}
	if (votes->open_stage == 0)
		return voter_fits(voter, votes, &votes->quorum, slot);
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
voter_may_approve(const Voter *voter, const Votes *votes, const Policy *policy, ReviewSlot *slot)
{
	const Proposal *proposal = votes->proposal;

	return voter->actor->active && reviewer_is_of_kind(voter->actor, policy) &&
		   (proposal->proposer_may_review || !reviewer_is_proposer(&voter->person, proposal)) &&
		   voter_blocker(voter, votes) == NULL && !voter_is_author_without_vote(voter, votes) &&
		   voter_review(voter, votes) == NULL && !voter_has_approved(voter, votes) &&
		   !(built_in_is_standing(proposal->tool) &&
			 standing_is_holder(&voter->person, proposal->params)) &&
		   voter_find_slot(voter, votes, slot);
}
