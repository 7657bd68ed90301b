/*
 * reviewer.c
 *	  Who may judge a proposal: decide on it, preview it, look at it after a
 *	  break glass.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/approval/reviewer.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "utils/builtins.h"

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

/* The mark that makes a reviewer and an actor one person, by what was or is known of the actor. */
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
 * Which mark makes somebody the same person as another actor: a sentence after a
 * space, for a detail; empty where they are the same actor.
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
			return psprintf(" Both have the person \"%s\".", name);
		case MARK_DB_ROLE:
			return psprintf(" Both are bound to the database role \"%s\".", name);
		case MARK_LOGIN:
			return psprintf(" Both act through the login \"%s\".", name);
		case MARK_ROLE_AND_LOGIN:
			return psprintf(" One is bound to the database role \"%s\", and the other acts through "
							"it as a login.",
							name);
	}
	return "";
}

/* What can be done where the two are not one person: a sentence after a space, for a hint. */
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
				" If many people share the login, as in a pool, a superuser can grant it "
				"the capability \"gateway\" (grant_capability(%s, 'gateway')): from "
				"then on it is no mark of a person.",
				quote_literal_cstr(name));
	}
	return "";
}

/* Say that nobody does this to their own proposal. */
void
reviewer_report_own(const Person *reviewer, const Proposal *proposal, const char *verb)
{
	const Person *proposer = &proposal->proposer;

	report_denied("wfo_own_proposal",
				  errmsg("nobody may %s their own proposal " INT64_FORMAT, verb,
						 proposal->proposal_id),
				  reviewer->actor_id == proposer->actor_id
					  ? errdetail("Actor " INT64_FORMAT " proposed it.", proposal->actor_id)
					  : errdetail("Actor " INT64_FORMAT " proposed it, and is the same person as "
								  "actor " INT64_FORMAT ".%s",
								  proposal->actor_id, reviewer->actor_id,
								  reviewer_describe_mark(reviewer, proposer)),
				  errhint("Somebody else must %s it.%s", verb,
						  reviewer_describe_way_out(reviewer, proposer)));
}
