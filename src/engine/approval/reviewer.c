/*
 * reviewer.c
 *	  Who may judge a proposal: decide on it, preview it, look at it after a
 *	  break glass.
 *
 * It owns the questions whether an actor is of a kind that reviews and whether a
 * reviewer is the same person as somebody else, with the sentences that explain
 * the answer.  Where an approval counts is vote.c's business, and what makes two
 * actors one person is model/person.c's.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/approval/reviewer.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "utils/builtins.h"

/* Whether an actor of this kind may review: a human, and others if the policy allows it. */
bool
reviewer_is_of_kind(const Actor *reviewer, const Policy *policy)
{
	return reviewer->kind == ACTOR_HUMAN || policy->agents_may_review;
}

/* Refuse an actor that is not a human, unless the policy lets agents review: 42501. */
void
reviewer_check_kind(const Actor *reviewer, const Policy *policy)
{
	if (!reviewer_is_of_kind(reviewer, policy))
		report_denied("wfo_kind_not_human",
					  errmsg("actor " INT64_FORMAT " may not review", reviewer->actor_id),
					  errdetail("It is of kind %s.", enum_label(&actor_kind_type, reviewer->kind)),
					  errhint("Only actors of kind human may review, unless the policy sets "
							  "agents_may_review."));
}

/*
 * Whether a reviewer is the person who did something earlier: by the identity
 * that the person had then, or by the identity that their actor has now.
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

/* The mark that a reviewer shares with the identity that an actor had then, or has now. */
static PersonMark
find_mark(const Person *reviewer, const Person *then, const char **name)
{
	PersonMark mark = person_shared_mark(reviewer, then, name);
	Person today;

	if (mark != MARK_NONE)
		return mark;
	today = actor_person(actor_require(then->actor_id));
	return person_shared_mark(reviewer, &today, name);
}

/*
 * The sentence that names the mark by which two actors are the same person, after
 * a space, to end a detail with; empty where they are the same actor.
 */
char *
reviewer_describe_mark(const Person *reviewer, const Person *then)
{
	const char *name;

	switch (find_mark(reviewer, then, &name))
	{
		case MARK_NONE:
		case MARK_ACTOR:
			break;
		case MARK_PERSON:
			return psprintf(" Both actors have the person \"%s\".", name);
		case MARK_DB_ROLE:
			return psprintf(" Both actors are bound to the database role \"%s\".", name);
		case MARK_LOGIN:
			return psprintf(" Both actors act through the login \"%s\".", name);
		case MARK_ROLE_AND_LOGIN:
			return psprintf(" One actor is bound to the database role \"%s\", and the other one "
							"acts through it as a login.",
							name);
	}
	return "";
}

/* The sentence that says what to do if the two are different people, to end a hint with. */
char *
reviewer_describe_way_out(const Person *reviewer, const Person *then)
{
	const char *name;

	switch (find_mark(reviewer, then, &name))
	{
		case MARK_NONE:
		case MARK_ACTOR:
			break;
		case MARK_PERSON:
		case MARK_DB_ROLE:
		case MARK_ROLE_AND_LOGIN:
			return " If they are two people, an administrator can correct the actors with "
				   "update_actor, for what is proposed from then on.";
		case MARK_LOGIN:
			return psprintf(
				" If many people share the login, as in a pool, a superuser can grant it the "
				"capability \"gateway\" (grant_capability(%s, 'gateway')). The login then no "
				"longer identifies a person.",
				quote_literal_cstr(name));
	}
	return "";
}

/* Report the proposer's own proposal: 42501. */
void
reviewer_report_own(const Person *reviewer, const Proposal *proposal, ReviewerAct act)
{
	const Person *proposer = &proposal->proposer;
	const char *way_out = reviewer_describe_way_out(reviewer, proposer);

	report_denied("wfo_own_proposal",
				  act == ACT_REVIEW ? errmsg("nobody may review their own proposal " INT64_FORMAT,
											 proposal->proposal_id)
									: errmsg("nobody may preview their own proposal " INT64_FORMAT,
											 proposal->proposal_id),
				  reviewer->actor_id == proposer->actor_id
					  ? errdetail("Actor " INT64_FORMAT " proposed it.", proposal->actor_id)
					  : errdetail("Actor " INT64_FORMAT " proposed it, and is the same person as "
								  "actor " INT64_FORMAT ".%s",
								  proposal->actor_id, reviewer->actor_id,
								  reviewer_describe_mark(reviewer, proposer)),
				  act == ACT_REVIEW ? errhint("Somebody else must review it.%s", way_out)
									: errhint("Somebody else must preview it.%s", way_out));
}
