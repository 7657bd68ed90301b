/*
 * delegate.c
 *	  Lets somebody review in the role of somebody who is away, for a time.
 *
 * It makes and ends delegations; vote.c says what they mean for a review.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/grow.h"
#include "base/role_name.h"
#include "engine/approval/vote.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/verbs/delegate.h"
#include "miscadmin.h"
#include "store/delegation.h"
#include "store/lock.h"

static void
check_delegation_arguments(int64 from_actor, int64 to_actor, TimestampTz ends_at)
{
	if (from_actor == to_actor)
		report_invalid("wfo_argument_invalid",
					   errmsg("actor " INT64_FORMAT " cannot delegate to itself", from_actor),
					   errhint("Name somebody else."));
	if (ends_at <= GetCurrentTimestamp())
		report_invalid("wfo_argument_invalid", errmsg("argument \"ends_at\" must be in the future"),
					   errhint("A delegation begins at once."));
}

static void
check_two_people(const Actor *from, const Actor *to)
{
	Person a = actor_person(from);
	Person b = actor_person(to);

	if (person_is_same(&a, &b))
		report_invalid("wfo_argument_invalid",
					   errmsg("actor " INT64_FORMAT " cannot delegate to actor " INT64_FORMAT,
							  from->actor_id, to->actor_id),
					   errdetail("They are the same person."), errhint("Name somebody else."));
}

static bool
has_id(const int64 *ids, int count, int64 id)
{
	for (int i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Whether delegations in force lead from one actor to another. */
static bool
leads_to(int64 from, int64 to)
{
	int64 *reached = NULL;
	int size = 0;
	int count = 0;
	const DelegationList *list = delegation_list();

	GROW_ARRAY(reached, count, size);
	reached[count++] = from;
	for (int at = 0; at < count; at++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < list->count; i++)
		{
			const Delegation *delegation = &list->delegations[i];

			if (delegation->from_actor != reached[at] || !delegation_is_in_force(delegation) ||
				has_id(reached, count, delegation->to_actor))
				continue;
			GROW_ARRAY(reached, count, size);
			reached[count++] = delegation->to_actor;
		}
	}
	return has_id(reached, count, to);
}

/*
 * Whether it is the caller's own right to review, and not somebody else's.  A
 * superuser who has taken on the actor's role is somebody else.
 */
static bool
is_own(const Caller *caller, const Actor *from)
{
	return actor_role_name(from) != NULL && caller->role == from->db_role_oid &&
		   (authenticated_role() == caller->role || !superuser_arg(authenticated_role()));
}

static bool
may_delegate(const Caller *caller, const Actor *from, const Actor *to)
{
	return from->active && to->active &&
		   (caller_has(caller, CAPABILITY_ADMINISTER) || caller_is_owner_of(caller, from));
}

static void
check_delegation(const Caller *caller, const Actor *from, const Actor *to)
{
	check_two_people(from, to);
	if (leads_to(to->actor_id, from->actor_id))
		report_invalid("wfo_argument_invalid",
					   errmsg("actor " INT64_FORMAT " cannot delegate to actor " INT64_FORMAT,
							  from->actor_id, to->actor_id),
					   errdetail("Delegations already lead from actor " INT64_FORMAT
								 " to actor " INT64_FORMAT ".",
								 to->actor_id, from->actor_id),
					   errhint("End one of them with end_delegation, or name somebody else."));
	if (!caller_has(caller, CAPABILITY_ADMINISTER))
		caller_check_acts_as(caller, from);
	actor_check_active(from);
	actor_check_active(to);
}

/*
 * Delegate: returns the delegation's id.
 *
 * Locks: all delegations, since two at a time could form a cycle.  A caller
 * that may not delegate is refused before.
 */
int64
review_delegate(int64 from_actor, int64 to_actor, TimestampTz ends_at)
{
	Caller caller;
	const Actor *from;
	const Actor *to;

	check_delegation_arguments(from_actor, to_actor, ends_at);
	caller_identify(&caller);
	from = actor_require(from_actor);
	to = actor_require(to_actor);
	if (!may_delegate(&caller, from, to))
		check_delegation(&caller, from, to);
	if (!is_own(&caller, from))
		protection_check(&caller, "delegate_review");
	store_lock_id(LOCK_DELEGATION, 0, LOCK_EXCLUSIVE);
	from = caller_read_again(&caller, from);
	to = actor_require(to_actor);
	check_delegation(&caller, from, to);
	return delegation_insert(&(Delegation){.from_actor = from_actor,
										   .to_actor = to_actor,
										   .ends_at = ends_at},
							 caller_bound_actor(&caller));
}

/* Whether the caller acts for one of the two, or is an administrator. */
static bool
may_end_delegation(const Caller *caller, const Delegation *delegation, const Actor *actor)
{
	if (!caller_may_act(caller, actor))
		return false;
	return caller_has(caller, CAPABILITY_ADMINISTER) ||
		   (actor != NULL &&
			(actor->actor_id == delegation->from_actor || actor->actor_id == delegation->to_actor));
}

static Delegation *
check_delegation_exists(int64 delegation_id, Delegation *delegation)
{
	if (delegation == NULL)
		report_unknown("wfo_unknown_delegation",
					   errmsg("delegation " INT64_FORMAT " does not exist", delegation_id),
					   errhint("The table workflow_orch.delegation lists the delegations."));
	return delegation;
}

static void
check_end(const Caller *caller, const Delegation *delegation, const Actor *actor)
{
	if (!delegation_is_in_force(delegation))
		report_wrong_state("wfo_delegation_ended",
						   errmsg("delegation " INT64_FORMAT " has already ended",
								  delegation->delegation_id),
						   errhint("Delegate again with delegate_review."));
	if (actor != NULL)
		caller_check_acts_as(caller, actor);
	if (may_end_delegation(caller, delegation, actor))
		return;
	report_denied("wfo_not_yours",
				  errmsg("delegation " INT64_FORMAT " is not yours to end",
						 delegation->delegation_id),
				  errdetail("It is from actor " INT64_FORMAT " to actor " INT64_FORMAT ".",
							delegation->from_actor, delegation->to_actor),
				  errhint("Either of them can end it, or an administrator."));
}

/* End a delegation early.  Decisions that were made under it stand. */
void
review_end_delegation(int64 delegation_id, const int64 *actor_id)
{
	Caller caller;
	const Actor *actor;
	Delegation *delegation;

	caller_identify(&caller);
	actor = caller_actor_or_null(&caller, actor_id);
	delegation = check_delegation_exists(delegation_id, delegation_load(delegation_id));
	if (!may_end_delegation(&caller, delegation, actor))
		check_end(&caller, delegation, actor);
	delegation = check_delegation_exists(delegation_id, delegation_lock(delegation_id));
	actor = caller_read_again(&caller, actor);
	check_end(&caller, delegation, actor);
	delegation_end(delegation, actor != NULL ? &actor->actor_id : NULL);
}
