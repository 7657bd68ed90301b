/*
 * caller.c
 *	  Who is calling, and for whom.
 *
 * It owns the question who acts, and may not look at what the call does.  The
 * caller is the role that the session has taken on: its login, or the role that
 * SET ROLE has set.  The owner of a SECURITY DEFINER function around the call
 * is not the caller: a wrapper lends its EXECUTE privileges, never its owner's
 * identity.  While a tool or code of its arguments' types runs, the caller is
 * the role that this code runs as, so that it cannot act in the name of the
 * user who called the extension.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/role_name.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/capability.h"
#include "engine/running.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/table.h"
#include "utils/acl.h"

void
caller_identify(Caller *caller)
{
	caller->role = running_is_sandboxed() ? running_role() : GetOuterUserId();
	caller->role_name = role_name_of(caller->role);
	caller->login = GetSessionUserId();
	caller->login_name = role_name_of(caller->login);
	caller->gateway = capability_is_held(caller->role, CAPABILITY_GATEWAY);
	caller->names_actors = caller->gateway && !superuser_arg(caller->role) &&
						   !has_privs_of_role(caller->role, store_owner());
}

bool
caller_has(const Caller *caller, Capability capability)
{
	return capability_is_held(caller->role, capability);
}

/* Whether the caller's capabilities let it read every proposal. */
bool
caller_reads_all(const Caller *caller)
{
	return caller->gateway || caller_has(caller, CAPABILITY_REVIEW) ||
		   caller_has(caller, CAPABILITY_EXECUTE) || caller_has(caller, CAPABILITY_AUDIT) ||
		   caller_has(caller, CAPABILITY_ADMINISTER);
}

/* The id of the one active actor bound to the caller's role, or NULL. */
int64 *
caller_bound_actor(const Caller *caller)
{
	ActorScan scan;
	const Actor *actor;
	int64 *found = NULL;
	int count = 0;

	actor_scan_begin_by_role_oid(&scan, caller->role);
	while (count < 2 && (actor = actor_scan_next(&scan)) != NULL)
	{
		if (!actor->active || actor_role_name(actor) == NULL)
			continue;
		found = palloc(sizeof(int64));
		*found = actor->actor_id;
		count++;
	}
	actor_scan_end(&scan);
	return count == 1 ? found : NULL;
}

/* The actor with this id: 42704 where there is none. */
const Actor *
actor_require(int64 actor_id)
{
	const Actor *actor = actor_load(actor_id);

	if (actor == NULL)
		report_unknown("wfo_unknown_actor",
					   errmsg("actor " INT64_FORMAT " does not exist", actor_id),
					   errhint("Register the actor with register_actor."));
	return actor;
}

/*
 * The actor with the given id or, where none is given, the actor bound to the
 * caller's role; NULL if there is none.  For reports.
 */
const Actor *
caller_actor_or_nobody(const Caller *caller, const int64 *given)
{
	if (given == NULL)
		given = caller_bound_actor(caller);
	if (given == NULL)
		return NULL;
	return actor_require(*given);
}

/* Refuse a gateway that does not name the actor: 22023.  It acts for many. */
static void
check_named(const Caller *caller, const int64 *given, const char *argument)
{
	if (given == NULL && caller->names_actors)
		report_invalid("wfo_argument_null", errmsg("argument \"%s\" must not be null", argument),
					   errdetail("Role \"%s\" is a gateway, which acts for many actors.",
								 caller->role_name),
					   errhint("Give the id of the actor that the call is made for."));
}

/* The same, for a call in which everyone but a gateway may leave out the actor. */
const Actor *
caller_actor_or_null(const Caller *caller, const int64 *given)
{
	check_named(caller, given, "actor_id");
	return caller_actor_or_nobody(caller, given);
}

/* Say why an actor that is related to the caller's role is not the one that acts. */
static void
describe_candidate(StringInfo text, const Caller *caller, const Actor *actor)
{
	const char *today = actor_role_name(actor);

	appendStringInfo(text, " Actor " INT64_FORMAT " (\"%s\") ", actor->actor_id, actor->name);
	if (actor->db_role_oid == caller->role && actor->active)
		appendStringInfoString(text, "is bound to it.");
	else if (actor->db_role_oid == caller->role)
		appendStringInfoString(text, "is bound to it, but is not active.");
	else if (today != NULL)
		appendStringInfo(text, "is bound to role \"%s\", which had this name before.", today);
	else
		appendStringInfo(text, "is bound to another role of this name, with the OID %u.",
						 actor->db_role_oid);
}

/* Number of actors that a message names. */
#define CANDIDATES_MAX 5

/* Describe the actors that are related to the caller's role, and why none of them acts. */
static char *
describe_candidates(const Caller *caller)
{
	StringInfoData text;
	ActorScan scan;
	const Actor *actor;
	int count = 0;

	initStringInfo(&text);
	actor_scan_begin_by_role_oid(&scan, caller->role);
	while (count < CANDIDATES_MAX && (actor = actor_scan_next(&scan)) != NULL)
		if (actor_role_name(actor) != NULL)
		{
			describe_candidate(&text, caller, actor);
			count++;
		}
	actor_scan_end(&scan);
	actor_scan_begin_by_role_name(&scan, caller->role_name);
	while (count < CANDIDATES_MAX && (actor = actor_scan_next(&scan)) != NULL)
		if (actor->db_role_oid != caller->role)
		{
			describe_candidate(&text, caller, actor);
			count++;
		}
	actor_scan_end(&scan);
	return text.data;
}

/*
 * Describe, for a person to read, what the caller lacks and whom to ask for
 * it.  Returns NULL if the caller has a capability and acts as an actor.
 */
char *
caller_advice(const Caller *caller)
{
	StringInfoData text;
	bool capable = caller->gateway;

	initStringInfo(&text);
	for (int i = 0; i < CAPABILITY_COUNT && !capable; i++)
		capable = caller_has(caller, (Capability) i);
	if (!capable)
		appendStringInfo(&text,
						 "Role \"%s\" has no capability. Ask an administrator for "
						 "grant_capability('%s', ...). ",
						 caller->role_name, caller->role_name);
	if (!caller->gateway && caller_bound_actor(caller) == NULL)
		appendStringInfo(&text,
						 "There is not exactly one active actor bound to role \"%s\".%s "
						 "Ask an administrator for register_actor(..., db_role => '%s').",
						 caller->role_name, describe_candidates(caller), caller->role_name);
	return text.len > 0 ? text.data : NULL;
}

/* The same, for a call that needs an actor. */
const Actor *
caller_actor(const Caller *caller, const int64 *given, const char *argument)
{
	const Actor *actor;

	check_named(caller, given, argument);
	actor = caller_actor_or_nobody(caller, given);
	if (actor == NULL)
		report_invalid("wfo_argument_null", errmsg("argument \"%s\" must not be null", argument),
					   errdetail("There is not exactly one active actor bound to role \"%s\".%s",
								 caller->role_name, describe_candidates(caller)),
					   errhint("Give the actor's id, or bind the actor to the role with "
							   "update_actor."));
	return actor;
}

/*
 * Whether the session may act as the actor, active or not.
 *
 * A binding counts only while the role is the one that the actor was bound to
 * (binding.c).  The server takes a superuser for a member of every role, but
 * this function does not: a superuser acts for others as a gateway.
 */
bool
caller_is_owner_of(const Caller *caller, const Actor *actor)
{
	return caller->gateway || (actor_role_name(actor) != NULL &&
							   compat_can_set_role_nosuper(caller->role, actor->db_role_oid));
}

void
actor_check_active(const Actor *actor)
{
	if (!actor->active)
		report_denied("wfo_actor_inactive",
					  errmsg("actor " INT64_FORMAT " is not active", actor->actor_id),
					  errhint("An administrator can make the actor active again with "
							  "update_actor."));
}

/*
 * Whether caller_check_acts_as would pass; NULL stands for no actor, and
 * everyone may act for that.
 *
 * A call asks this before it takes a lock, since a caller that may not act must
 * not keep others waiting.  It does not refuse at once, since the contract has
 * errors of state come first.  It then makes all its checks without locks.
 */
bool
caller_may_act(const Caller *caller, const Actor *actor)
{
	return actor == NULL || (actor->active && caller_is_owner_of(caller, actor));
}

/* Read the caller's rights and the actor again, after a wait for a lock. */
const Actor *
caller_read_again(Caller *caller, const Actor *actor)
{
	caller_identify(caller);
	return actor != NULL ? actor_require(actor->actor_id) : NULL;
}

/*
 * Refuse unless the actor is active and the session may act as it: 42501.  For
 * a call that only reads.  The error tells nothing about other actors to a
 * caller that may read only its own rows.
 */
void
caller_check_reads_as(const Caller *caller, const Actor *actor)
{
	const char *today = actor_role_name(actor);
	bool reads_all = caller_reads_all(caller);
	bool is_owner = caller_is_owner_of(caller, actor);

	if (is_owner || reads_all)
		actor_check_active(actor);
	if (is_owner)
		return;

	if (actor->db_role == NULL && reads_all)
		report_denied("wfo_not_that_actor",
					  errmsg("role \"%s\" may not act for actor " INT64_FORMAT, caller->role_name,
							 actor->actor_id),
					  errdetail("The actor is not bound to a database role."),
					  errhint("An administrator can bind the actor to the role with "
							  "update_actor, or grant the role the capability \"gateway\"."));
	if (today != NULL && actor->db_role != NULL && strcmp(caller->role_name, actor->db_role) == 0)
		report_denied("wfo_role_changed",
					  errmsg("actor " INT64_FORMAT " is bound to another role \"%s\"",
							 actor->actor_id, actor->db_role),
					  errdetail("The role was renamed: it is \"%s\" now.", today),
					  errhint("Act as that role, or ask an administrator to bind the actor to "
							  "another with update_actor(" INT64_FORMAT ", db_role => ...).",
							  actor->actor_id));
	if (today == NULL && actor->db_role != NULL &&
		(compat_can_set_role_nosuper(caller->role, actor->db_role_oid) ||
		 strcmp(caller->role_name, actor->db_role) == 0))
		report_denied(
			"wfo_role_changed",
			errmsg("actor " INT64_FORMAT " is bound to another role \"%s\"", actor->actor_id,
				   actor->db_role),
			errdetail("The role has been dropped, renamed or restored since: its OID was "
					  "%u.",
					  actor->db_role_oid),
			errhint("An administrator can confirm the role with update_actor(" INT64_FORMAT
					", db_role => ...).",
					actor->actor_id));
	report_denied("wfo_not_that_actor",
				  errmsg("role \"%s\" may not act for actor " INT64_FORMAT, caller->role_name,
						 actor->actor_id),
				  reads_all ? errdetail("The actor is bound to role \"%s\".", actor->db_role) : 0,
				  errhint("Act as a role that may SET ROLE to it, or ask for the capability "
						  "\"gateway\"."));
}

/* The same, for a call that writes.  Also writes the current name of the actor's role. */
void
caller_check_acts_as(const Caller *caller, const Actor *actor)
{
	caller_check_reads_as(caller, actor);
	actor_follow_role(actor);
}

/* Identity of the person who acts as the actor through this session. */
void
caller_person(const Caller *caller, const Actor *actor, Person *person)
{
	person->actor_id = actor->actor_id;
	person->on_behalf_of = 0;
	person->person = actor->person;
	person->db_role = actor_person(actor).db_role;
	person->login = capability_is_held(caller->login, CAPABILITY_GATEWAY) ? NULL
																		  : caller->login_name;
}
