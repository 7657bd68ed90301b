/*
 * standing.c
 *	  Which standing approval covers a call.
 *
 * A standing approval was given beforehand, for calls that its holder proposes.
 * This file owns the question whether it covers a call: it is read narrowly, so
 * that a call which it does not cover for sure is an ordinary one.  Giving, using
 * and ending standing approvals is verbs/standing.c's business.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "engine/approval/reviewer.h"
#include "engine/approval/standing.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "model/built_in.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* Whether the condition is true for sure of the call's params, the only ones that it may use. */
static bool
condition_holds(const Standing *standing, Jsonb *params)
{
	JsonObject document;

	if (standing->condition.path == NULL)
		return true;
	json_object_begin(&document);
	json_add_jsonb(&document, "params", params);
	return condition_evaluate(&standing->condition, json_object_end(&document)) == TRUTH_TRUE;
}

/* Whether the holder still has the role that they had when it was approved. */
static bool
has_role_of_then(const Standing *standing, const Actor *actor)
{
	const char *today = actor_role_name(actor);

	return today != NULL &&
		   (strcmp(today, standing->db_role) == 0 || actor_was_known_as(actor, standing->db_role));
}

/*
 * Find a standing approval that covers a call and that the choice takes, oldest
 * first; NULL if there is none.
 */
const Standing *
standing_find(const StandingSubject *subject, StandingChoice choice, void *arg)
{
	const StandingList *list = standing_list(subject->actor->actor_id);
	Quorum needed;
	bool has_needed = false;

	for (int i = 0; i < list->count; i++)
	{
		const Standing *standing = &list->standings[i];
		Quorum given;

		if (strcmp(standing->tool, subject->tool) != 0 || !standing_is_in_force(standing) ||
			!has_role_of_then(standing, subject->actor) ||
			definition_change(tool_require(subject->tool), standing->definition) != NULL ||
			!condition_holds(standing, subject->params))
			continue;
		if (!has_needed)
			needed = requirement_quorum(subject->requirements);
		has_needed = true;
		given = requirement_quorum(standing->requirements);
		if (quorum_covers(&given, &needed) && choice(standing, arg))
			return standing;
	}
	return NULL;
}

/* A choice that takes a standing approval with uses left, and takes none of them. */
bool
standing_has_uses(const Standing *standing, pg_attribute_unused() void *arg)
{
	return standing_used(standing->standing_id) < standing->uses;
}

/* The holder that a call of the built-in tool names, or NULL. */
static const Actor *
find_holder(Jsonb *params)
{
	JsonbValue *id = json_find(params, "actor_id");
	int64 actor_id;

	return id != NULL && json_value_int64(id, &actor_id) ? actor_load(actor_id) : NULL;
}

/* Who would hold the standing approval that a call of this tool proposes, or 0. */
int64
standing_holder_id(const char *tool, Jsonb *params)
{
	const Actor *holder = built_in_is_standing(tool) ? find_holder(params) : NULL;

	return holder != NULL ? holder->actor_id : 0;
}

/* Whether somebody would be the holder of the standing approval that params give. */
bool
standing_is_holder(const Person *person, Jsonb *params)
{
	const Actor *holder = find_holder(params);
	Person held;

	if (holder == NULL)
		return false;
	held = actor_person(holder);
	return reviewer_is_actor(person, &held);
}

/*
 * Refuse the holder of a standing approval to propose, edit or approve it: 42501.
 * proposal_id is 0 for the proposer.
 */
void
standing_check_holder(const Person *person, Jsonb *params, int64 proposal_id)
{
	const Actor *holder = find_holder(params);
	Person held;

	if (!standing_is_holder(person, params))
		return;
	held = actor_person(holder);
	report_denied("wfo_own_standing",
				  proposal_id == 0
					  ? errmsg("nobody may propose a standing approval for themselves")
					  : errmsg("nobody may review their own standing approval " INT64_FORMAT,
							   proposal_id),
				  errdetail("Actor " INT64_FORMAT " would be its holder.%s", holder->actor_id,
							reviewer_describe_mark(person, &held)),
				  errhint("Somebody else must propose and review it."));
}

/* Refuse a review on behalf (NULL: of nobody) of who would be the holder: 42501. */
void
standing_check_lender(const int64 *on_behalf_of, Jsonb *params, int64 proposal_id)
{
	Person lender;

	if (on_behalf_of == NULL)
		return;
	lender = actor_person(actor_require(*on_behalf_of));
	standing_check_holder(&lender, params, proposal_id);
}
