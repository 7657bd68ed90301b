/*
 * vote.h
 *	  What the reviews of a revision come to, and where one more would count.
 *
 * Nothing here locks or raises an error: review.c decides, reports show.
 */
#ifndef WFO_ENGINE_VOTE_H
#define WFO_ENGINE_VOTE_H

#include "postgres.h"

#include "model/quorum.h"
#include "store/actor.h"
#include "store/delegation.h"
#include "store/policy.h"
#include "store/proposal.h"
#include "store/review.h"

/* The reviews of a proposal's current revision that stand. */
typedef struct Votes
{
	const Proposal *proposal;
	Quorum quorum;
	Review *reviews;
	int nreviews;
	Approval *approvals; /* those among the reviews that count */
	Person *approvers;   /* and by whom they are */
	int napprovals;
	int64 open_stage;      /* 0: all are complete */
	const int64 *max_rows; /* the smallest limit that they are given with; NULL: none */
	Person *authors;       /* of these params, whose edit did not count as an approval */
	int nauthors;
	Review *requests; /* for changes, that stand, perhaps of an earlier revision */
	int nrequests;
} Votes;

/* The role in which a reviewer decides, and the stage in which that counts. */
typedef struct ReviewSlot
{
	int64 stage; /* 0: an edit's, which counts in any stage that it fits */
	const char *role;
	const int64 *on_behalf_of; /* NULL: in their own right */
	bool administers;          /* they may fill a slot for administrators */
} ReviewSlot;

/* A role in which somebody may decide. */
typedef struct VoterRole
{
	ReviewSlot slot;  /* but for the stage */
	Person delegator; /* where it is on behalf of another */
} VoterRole;

/* Somebody who is about to decide. */
typedef struct Voter
{
	const Actor *actor;
	Person person;
	VoterRole *roles; /* their own first */
	int nroles;
	Person *fellows; /* with whom the voter counts as one person */
	int nfellows;
} Voter;

extern void votes_load(Votes *votes, const Proposal *proposal);
extern void voter_init(Voter *voter, const Actor *actor, const Person *person,
					   const Proposal *proposal, const Policy *policy);

extern Approval slot_approval(const ReviewSlot *slot);
extern bool voter_is_author_without_vote(const Voter *voter, const Votes *votes);
extern const Review *voter_request(const Voter *voter, const Votes *votes);
extern const Review *voter_blocker(const Voter *voter, const Votes *votes);
extern const Review *voter_review(const Voter *voter, const Votes *votes);
extern bool voter_has_approved(const Voter *voter, const Votes *votes);

extern bool voter_find_slot(const Voter *voter, const Votes *votes, ReviewSlot *slot);
extern bool voter_find_slot_of_edit(const Voter *voter, const Votes *votes, ReviewSlot *slot);
extern bool voter_fits(const Voter *voter, const Votes *votes, const Quorum *quorum,
					   ReviewSlot *slot);
extern bool voter_may_approve(const Voter *voter, const Votes *votes, const Policy *policy,
							  ReviewSlot *slot);

#endif
