/*
 * administrators.c
 *	  Whether there are enough people for calls of built-in tools.
 *
 * A protected policy that nobody can change any more would lock everybody out.
 * This file counts the people whom a policy or a rule would need: actors of kind
 * human that are bound to a role which can log in, since such calls are proposed
 * and reviewed in sessions of one's own.  What happens if there are too few is
 * the business of the verbs.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_authid.h"
#include "engine/approval/administrators.h"
#include "engine/identity/binding.h"
#include "engine/identity/capability.h"
#include "miscadmin.h"
#include "model/person.h"
#include "utils/syscache.h"

/* Whether a role can log in. */
static bool
role_can_login(Oid role)
{
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool can_login;

	if (!HeapTupleIsValid(tuple))
		return false;
	can_login = ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);
	return can_login;
}

/* Whether a session of the actor's own role is possible, and has a capability. */
static bool
has_capability(const Actor *actor, Capability capability)
{
	return actor->active && actor_role_name(actor) != NULL && role_can_login(actor->db_role_oid) &&
		   capability_is_held(actor->db_role_oid, capability);
}

typedef bool (*ActorTest)(const Actor *actor);

/* Count the people among the actors with a role (NULL: any) that pass a test, up to enough. */
static int64
count_people_who(ActorTest test, const char *role, int64 enough)
{
	Person *people = palloc(sizeof(Person) * 64);
	int size = 64;
	int count = 0;
	int64 there = 0;
	ActorScan scan;
	const Actor *actor;

	actor_scan_begin(&scan, role);
	while (there < enough && (actor = actor_scan_next(&scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (actor->kind != ACTOR_HUMAN || !test(actor))
			continue;
		if (count == size)
			people = repalloc(people, sizeof(Person) * (size *= 2));
		people[count++] = actor_person(actor);
		if (count >= enough)
			there = person_count(people, count);
	}
	actor_scan_end(&scan);
	return Max(there, person_count(people, count));
}

static bool
proposes_and_approves(const Actor *actor)
{
	return has_capability(actor, CAPABILITY_PROPOSE) && has_capability(actor, CAPABILITY_REVIEW) &&
		   has_capability(actor, CAPABILITY_ADMINISTER);
}

/* Whether the actor is one that may review in a session of their own, as calls of built-in tools ask. */
bool
actor_could_review_in_person(const Actor *actor)
{
	return actor->kind == ACTOR_HUMAN && has_capability(actor, CAPABILITY_REVIEW);
}

/* How many people who can propose and approve calls of built-in tools a policy needs. */
int64
administrators_needed(const Policy *policy)
{
	return policy->default_approvals + 1;
}

/* How many such people there are; no more than enough are counted. */
int64
administrators_count(int64 enough)
{
	return count_people_who(proposes_and_approves, NULL, enough);
}

/* How many people with a role (NULL: any) could review such calls. */
int64
administrators_reviewers(const char *role, int64 enough)
{
	return count_people_who(actor_could_review_in_person, role, enough);
}

/* Whether there is an actor whose session could execute such calls. */
bool
administrators_can_execute(void)
{
	ActorScan scan;
	const Actor *actor;
	bool found = false;

	actor_scan_begin(&scan, NULL);
	while (!found && (actor = actor_scan_next(&scan)) != NULL)
		found = has_capability(actor, CAPABILITY_EXECUTE);
	actor_scan_end(&scan);
	return found;
}
