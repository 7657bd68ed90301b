/*
 * reader.c
 *	  Whose rows a role reads: the question of the row security policies.
 *
 * It owns the set of actors whose rows the reader may read.  The reader is the
 * current user, as everywhere in row security, and not the caller of a function
 * (caller.c).  A reader with a capability that reads everything reads all
 * rows.  Other readers read the rows of the actors that are bound to their role
 * or to a role that they may SET ROLE to.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/grow.h"
#include "catalog/pg_auth_members.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/reader.h"
#include "miscadmin.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

/* The role itself and all that it is a member of, directly or not. */
static List *
roles_of(Oid role)
{
	List *roles = list_make2_oid(role, ROLE_PG_DATABASE_OWNER);

	for (int i = 0; i < list_length(roles); i++)
	{
		CatCList *memberships = SearchSysCacheList1(AUTHMEMMEMROLE,
													ObjectIdGetDatum(list_nth_oid(roles, i)));

		for (int j = 0; j < memberships->n_members; j++)
		{
			HeapTuple tuple = &memberships->members[j]->tuple;

			roles = list_append_unique_oid(roles,
										   ((Form_pg_auth_members) GETSTRUCT(tuple))->roleid);
		}
		ReleaseSysCacheList(memberships);
	}
	return roles;
}

/* Append an actor to the binding by this name. */
static List *
add_actor(List *bindings, const Actor *actor)
{
	const char *name = actor->db_role_is_home ? NULL : actor->db_role;
	Binding *binding = bindings != NIL ? llast(bindings) : NULL;

	if (binding == NULL || binding->role != actor->db_role_oid ||
		(binding->role_name == NULL) != (name == NULL))
	{
		binding = palloc0(sizeof(Binding));
		binding->role = actor->db_role_oid;
		binding->role_name = name;
		bindings = lappend(bindings, binding);
	}
	GROW_ARRAY(binding->actors, binding->count, binding->size);
	binding->actors[binding->count++] = actor->actor_id;
	return bindings;
}

/*
 * Find out whose rows the current user reads: those of actors whose binding
 * holds (binding.c), active or not.  The result is in the current memory
 * context.
 */
void
reader_identify(Reader *reader)
{
	Caller caller = {.role = GetUserId()};
	ListCell *cell;

	caller.gateway = caller_has(&caller, CAPABILITY_GATEWAY);
	reader->reads_all = caller_reads_all(&caller);
	reader->bindings = NIL;
	if (reader->reads_all)
		return;
	foreach (cell, roles_of(caller.role))
	{
		ActorScan scan;
		const Actor *actor;

		if (!compat_can_set_role_nosuper(caller.role, lfirst_oid(cell)))
			continue;
		actor_scan_begin_by_role_oid(&scan, lfirst_oid(cell));
		while ((actor = actor_scan_next(&scan)) != NULL)
			if (actor_role_name(actor) != NULL)
				reader->bindings = add_actor(reader->bindings, actor);
		actor_scan_end(&scan);
	}
}

/* Whether the reader reads the rows of this actor. */
bool
reader_may_read(const Reader *reader, int64 actor_id)
{
	ListCell *cell;

	foreach (cell, reader->bindings)
	{
		const Binding *binding = lfirst(cell);

		for (int i = 0; i < binding->count; i++)
			if (binding->actors[i] == actor_id)
				return true;
	}
	return reader->reads_all;
}
