/*
 * reviewer.c
 *	  Who may judge a proposal: decide on it, preview it, look at it after a
 *	  break glass.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/binding.h"
#include "engine/caller.h"
#include "engine/reviewer.h"

/* Whether actors of this kind review: humans, and others if the policy says so. */
bool
reviewer_is_of_kind(const Actor *reviewer, const Policy *policy)
{
	return reviewer->kind == ACTOR_HUMAN || policy->agents_may_review;
}

/* Refuse what is no human, unless the policy lets agents review. */
void
reviewer_check_kind(const Actor *reviewer, const Policy *policy)
{
	if (!reviewer_is_of_kind(reviewer, policy))
		report_denied("wfo_kind_not_human",
					  errmsg("actor " INT64_FORMAT " may not review", reviewer->actor_id),
					  errdetail("It is of kind %s.", enum_label(&actor_kind_type, reviewer->kind)),
					  errhint("Only actors of kind human review, unless the policy has "
							  "agents_may_review."));
}

/*
 * Whether somebody is the one who did something: by what they were known by
 * then, or by what is known of their actor now.
 */
bool
reviewer_is_actor(const Person *reviewer, const Person *then)
{
	Person today = actor_person(actor_require(then->actor_id));

	return person_is_same(reviewer, then) || person_is_same(reviewer, &today);
}

bool
reviewer_is_proposer(const Person *reviewer, const Proposal *proposal)
{
	return reviewer_is_actor(reviewer, &proposal->proposer);
}

/*
 * Say that nobody does this to their own proposal.  The reviewer may be NULL,
 * where the session acts for nobody in particular.
 */
void
reviewer_report_own(const Actor *reviewer, const Proposal *proposal, const char *verb)
{
	report_denied("wfo_own_proposal",
				  errmsg("nobody may %s their own proposal " INT64_FORMAT, verb,
						 proposal->proposal_id),
				  reviewer == NULL || proposal->actor_id == reviewer->actor_id
					  ? errdetail("Actor " INT64_FORMAT " proposed it.", proposal->actor_id)
					  : errdetail("Actor " INT64_FORMAT " proposed it, and is the same person as "
								  "actor " INT64_FORMAT ".",
								  proposal->actor_id, reviewer->actor_id),
				  errhint("Somebody else must %s it.", verb));
}
