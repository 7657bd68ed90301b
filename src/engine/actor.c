/*
 * actor.c
 *	  Registers and changes actors.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/binding.h"
#include "engine/caller.h"
#include "engine/verbs.h"
#include "miscadmin.h"
#include "store/actor.h"
#include "store/home.h"
#include "store/lock.h"
#include "store/table.h"

/* Bind the actor to a role; before is what it was, NULL for a new one. */
static void
set_db_role(StoreRow *row, Oid db_role, const Actor *before)
{
	const char *name = GetUserNameFromId(db_role, false);

	row_set_name(row, ACTOR_DB_ROLE, name);
	row_set(row, ACTOR_DB_ROLE_OID, ObjectIdGetDatum(db_role));
	row_set_home(row, ACTOR_HOME_SYSTEM, ACTOR_HOME_DATABASE);
	/* A role of the same name is the same, confirmed after a restore. */
	if (before == NULL || before->db_role == NULL || strcmp(before->db_role, name) != 0)
		row_set_null(row, ACTOR_FORMER_DB_ROLES);
}

/* Register an actor: returns its id.  42710 where the name is taken. */
int64
actor_register(const char *name, const char *role, Oid db_role, const char *kind,
			   const char *person)
{
	Caller caller;
	StoreRow row;
	int64 actor_id;
	int parsed_kind = enum_parse(&actor_kind_type, kind);

	if (parsed_kind < 0)
		report_invalid("wfo_unknown_label", errmsg("unknown kind of actor \"%s\"", kind),
					   errhint("Kinds are %s.", enum_list(&actor_kind_type)));

	caller_identify(&caller);
	store_lock_text(LOCK_NAME, STORE_ACTOR, name);
	if (actor_name_exists(name))
		report_duplicate("wfo_actor_exists", errmsg("actor \"%s\" exists already", name),
						 errhint("Choose another name, or change the actor with update_actor."));

	actor_id = store_next_id(STORE_ACTOR);
	store_row_init(&row, STORE_ACTOR);
	row_set_int64(&row, ACTOR_ACTOR_ID, actor_id);
	row_set_text(&row, ACTOR_NAME, name);
	row_set_text(&row, ACTOR_ROLE, role);
	row_set_enum(&row, ACTOR_KIND, &actor_kind_type, parsed_kind);
	row_set_bool(&row, ACTOR_ACTIVE, true);
	if (OidIsValid(db_role))
		set_db_role(&row, db_role, NULL);
	row_set_text(&row, ACTOR_PERSON, person);
	row_set_time(&row, ACTOR_REGISTERED_AT, GetCurrentTimestamp());
	row_set_id(&row, ACTOR_CHANGED_BY, caller_bound_actor(&caller));
	store_insert(&row);
	return actor_id;
}

/* The actor, locked, with its role's name of today; NULL where there is none. */
static Actor *
lock_actor(int64 actor_id)
{
	Actor *actor = actor_lock(actor_id, true);

	if (actor == NULL)
		return NULL;
	actor_follow_role(actor);
	return actor_lock(actor_id, true);
}

/* Change what is given of an actor. */
void
actor_update(int64 actor_id, const char *role, Oid db_role, const bool *active, const char *person)
{
	Caller caller;
	StoreRow row;
	Actor *actor = lock_actor(actor_id);

	if (actor == NULL)
		report_unknown("wfo_unknown_actor",
					   errmsg("actor " INT64_FORMAT " does not exist", actor_id),
					   errhint("Register the actor with register_actor."));

	if (role == NULL && !OidIsValid(db_role) && active == NULL && person == NULL)
		return;

	caller_identify(&caller);
	store_row_init(&row, STORE_ACTOR);
	if (role != NULL)
		row_set_text(&row, ACTOR_ROLE, role);
	if (OidIsValid(db_role))
		set_db_role(&row, db_role, actor);
	if (active != NULL)
		row_set_bool(&row, ACTOR_ACTIVE, *active);
	if (person != NULL)
		row_set_text(&row, ACTOR_PERSON, person);
	row_set_id(&row, ACTOR_CHANGED_BY, caller_bound_actor(&caller));
	store_update(&row, actor->row);
}
