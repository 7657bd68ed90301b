/*
 * binding.c
 *	  Which database role an actor or a tool is bound to.
 *
 * It owns the rule that decides whether a row's role is still the same role.  A
 * row has the role's name and OID.  If both agree, the binding holds.  If only
 * the OID agrees, in the database in which the binding was made, the role was
 * renamed; it is the same role for the server's own grants, so the binding
 * follows.  In another database an OID could belong to any role.  A name alone
 * never holds, since it could belong to a new role.
 *
 * Whether a binding holds does not depend on the row being up to date: the next
 * call that writes corrects the name, for those who read the table.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "base/role_name.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "engine/identity/binding.h"
#include "engine/identity/capability.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

/* Number of former names that a row keeps. */
#define FORMER_NAMES_MAX 16

/* The role's name today, NULL where the binding does not hold. */
static const char *
role_name(const char *name, Oid oid, bool is_home)
{
	const char *today = OidIsValid(oid) ? role_name_or_null(oid) : NULL;

	if (today == NULL || (strcmp(today, name) != 0 && !is_home))
		return NULL;
	return today;
}

/* The name of the role that the actor is bound to, or NULL if its binding does not hold. */
const char *
actor_role_name(const Actor *actor)
{
	return actor->db_role != NULL
			   ? role_name(actor->db_role, actor->db_role_oid, actor->db_role_is_home)
			   : NULL;
}

/* The name of the role that the tool runs as, or NULL if its binding does not hold. */
const char *
tool_role_name(const Tool *tool)
{
	return role_name(tool->run_as, tool->run_as_oid, tool->run_as_is_home);
}

static bool
has_name(const List *names, const char *name)
{
	ListCell *cell;

	foreach (cell, names)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/* The former names of a role that was named "before" and is named "today", latest first. */
static List *
former_names(const char *before, const List *earlier, const char *today)
{
	List *names = NIL;
	ListCell *cell;

	if (strcmp(before, today) != 0)
		names = lappend(names, pstrdup(before));
	foreach (cell, earlier)
		if (strcmp(lfirst(cell), today) != 0 && !has_name(names, lfirst(cell)) &&
			list_length(names) < FORMER_NAMES_MAX)
			names = lappend(names, lfirst(cell));
	return names;
}

/* The names that the tool's role has had under this binding, except today's. */
List *
tool_former_role_names(const Tool *tool)
{
	const char *today = tool_role_name(tool);

	return former_names(tool->run_as, tool->former_run_as, today != NULL ? today : tool->run_as);
}

/* Identity of an actor who is not the caller. */
Person
actor_person(const Actor *actor)
{
	const char *today = actor_role_name(actor);

	return (Person){.actor_id = actor->actor_id,
					.person = actor->person,
					.db_role = today != NULL ? today : actor->db_role};
}

/* Whether the role that the actor is bound to had this name before. */
bool
actor_was_known_as(const Actor *actor, const char *db_role)
{
	const char *today = actor_role_name(actor);

	return today != NULL && strcmp(today, db_role) != 0 &&
		   (strcmp(actor->db_role, db_role) == 0 || has_name(actor->former_db_roles, db_role));
}

/*
 * Whether the actor, which was bound to this role once, is now bound to another
 * one; NULL is no role.
 */
bool
actor_is_rebound(const Actor *actor, const char *db_role)
{
	const char *today = actor_person(actor).db_role;

	if (db_role == NULL || today == NULL)
		return db_role != today;
	return strcmp(db_role, today) != 0 && !actor_was_known_as(actor, db_role);
}

static bool
can_log_in(Oid role)
{
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool can;

	if (!HeapTupleIsValid(tuple))
		return false;
	can = ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);
	return can;
}

/* Number of members to look at before assuming that one of them can log in. */
#define MEMBERS_MAX 1000

/* Whether a session can take on the role: as its login, or by SET ROLE from a member. */
static bool
can_be_taken_on(Oid role)
{
	List *roles = list_make1_oid(role);

	/* The list grows by the members of those in it. */
	for (int i = 0; i < list_length(roles); i++)
	{
		Oid member = list_nth_oid(roles, i);
		CatCList *members;

		if (i == MEMBERS_MAX || (can_log_in(member) && compat_can_set_role_nosuper(member, role)))
			return true;
		members = SearchSysCacheList1(AUTHMEMROLEMEM, ObjectIdGetDatum(member));
		for (int j = 0; j < members->n_members; j++)
		{
			HeapTuple tuple = &members->members[j]->tuple;

			roles = list_append_unique_oid(roles,
										   ((Form_pg_auth_members) GETSTRUCT(tuple))->member);
		}
		ReleaseSysCacheList(members);
	}
	return false;
}

/* Whether there is a gateway that is not a superuser. */
static bool
has_gateway(void)
{
	ListCell *cell;

	foreach (cell, capability_grantees(CAPABILITY_GATEWAY))
		if (!OidIsValid(lfirst_oid(cell)) || can_be_taken_on(lfirst_oid(cell)))
			return true;
	return false;
}

/*
 * Whether some session could act as the actor: a session of the role that the
 * actor is bound to, or of a gateway.
 *
 * Superusers count as gateways only for actors without a role, for which there
 * is no other way.  If they counted for others, every actor would qualify.
 */
bool
actor_can_be_acted_for(const Actor *actor)
{
	if (actor->db_role == NULL)
		return true;
	if (actor_role_name(actor) == NULL)
		return false;
	return can_be_taken_on(actor->db_role_oid) || has_gateway();
}

static bool
can_write(void)
{
	return !XactReadOnly && !RecoveryInProgress() && !IsInParallelMode();
}

/*
 * Write a role's current name into the actor's row if the role was renamed.
 * Does nothing where that would wait: the next call writes it.
 */
void
actor_follow_role(const Actor *actor)
{
	const char *today = actor_role_name(actor);
	Actor *locked;
	StoreRow row;

	if (today == NULL || strcmp(today, actor->db_role) == 0 || !can_write())
		return;
	locked = actor_lock(actor->actor_id, LockWaitSkip);
	if (locked == NULL)
		return;
	today = actor_role_name(locked);
	if (today == NULL || strcmp(today, locked->db_role) == 0)
		return;
	store_row_init(&row, STORE_ACTOR);
	row_set_name(&row, ACTOR_DB_ROLE, today);
	row_set_texts(&row, ACTOR_FORMER_DB_ROLES,
				  former_names(locked->db_role, locked->former_db_roles, today));
	store_update(&row, locked->row);
}

/* The same for the role that a tool runs as. */
void
tool_follow_role(const Tool *tool)
{
	const char *today = tool_role_name(tool);
	Tool *locked;
	StoreRow row;

	if (today == NULL || strcmp(today, tool->run_as) == 0 || !can_write())
		return;
	locked = tool_lock(tool->tool, LockWaitSkip);
	if (locked == NULL)
		return;
	today = tool_role_name(locked);
	if (today == NULL || strcmp(today, locked->run_as) == 0)
		return;
	store_row_init(&row, STORE_TOOL);
	row_set_name(&row, TOOL_RUN_AS, today);
	row_set_texts(&row, TOOL_FORMER_RUN_AS,
				  former_names(locked->run_as, locked->former_run_as, today));
	store_update(&row, locked->row);
}
