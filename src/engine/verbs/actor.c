/*
 * actor.c
 *	  Registers and changes actors.
 *
 * It owns the writing of actors and their names.  Whether a binding to a role
 * holds is identity/binding.c's business, and who may act for an actor is
 * caller.c's.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/audit/identity.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/verbs/actor.h"
#include "miscadmin.h"
#include "store/actor.h"
#include "store/home.h"
#include "store/lock.h"
#include "store/redaction.h"
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

/* Reserve a name for an actor (0: a new one) until the end of the transaction: 42710 if another has it. */
void
actor_reserve_name(const char *name, int64 actor_id)
{
	int64 other;

	store_lock_text(LOCK_NAME, STORE_ACTOR, name);
	other = actor_id_of_name(name);
	if (other != 0 && other != actor_id)
		report_duplicate("wfo_actor_exists", errmsg("actor \"%s\" already exists", name),
						 errhint("Choose another name, or change the actor with update_actor."));
}

/*
 * Warn if another active actor is bound to the role of this one: the role alone
 * no longer tells which actor acts.
 */
static void
warn_if_not_alone(int64 actor_id)
{
	const Actor *actor = actor_load(actor_id);
	const char *role = actor_role_name(actor);
	const Actor *other;
	ActorScan scan;

	if (!actor->active || role == NULL)
		return;
	actor_scan_begin_by_role_oid(&scan, actor->db_role_oid);
	while ((other = actor_scan_next(&scan)) != NULL)
		if (other->actor_id != actor_id && other->active && actor_role_name(other) != NULL)
			break;
	actor_scan_end(&scan);
	if (other != NULL)
		ereport(WARNING, (errmsg("role \"%s\" is bound to more than one active actor", role),
						  errdetail("Actor " INT64_FORMAT " (\"%s\") is bound to it, too.",
									other->actor_id, other->name),
						  errhint("Calls of the role must name the actor, since NULL stands for "
								  "the only one. The actors count as one person.")));
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
	protection_check(&caller, "register_actor");
	actor_reserve_name(name, 0);
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
	warn_if_not_alone(actor_id);
	return actor_id;
}

/* The actor, locked, with the current name of its role; NULL if it does not exist. */
static Actor *
lock_actor(int64 actor_id)
{
	Actor *actor = actor_lock(actor_id, LockWaitBlock);

	if (actor == NULL)
		return NULL;
	actor_follow_role(actor);
	return actor_lock(actor_id, LockWaitBlock);
}

static void
clear_db_role(StoreRow *row)
{
	row_set_null(row, ACTOR_DB_ROLE);
	row_set_null(row, ACTOR_DB_ROLE_OID);
	row_set_null(row, ACTOR_HOME_SYSTEM);
	row_set_null(row, ACTOR_HOME_DATABASE);
	row_set_null(row, ACTOR_FORMER_DB_ROLES);
}

/* Whether a change only makes the actor inactive, which everyone who administers may do. */
static bool
only_deactivates(const ActorChange *change)
{
	return change->active != NULL && !*change->active && change->name == NULL &&
		   change->role == NULL && change->db_role == NULL && change->person == NULL;
}

/* Whether a change only names the actor's role once more, which a superuser may do after a restore. */
static bool
confirms_role(const Caller *caller, const Actor *actor, const ActorChange *change)
{
	return change->db_role != NULL && OidIsValid(*change->db_role) && change->name == NULL &&
		   change->role == NULL && change->active == NULL && change->person == NULL &&
		   actor->db_role != NULL &&
		   strcmp(actor->db_role, GetUserNameFromId(*change->db_role, false)) == 0 &&
		   protection_lets_confirm(caller);
}

/* Refuse an actor who has been redacted: its token must not come to stand for somebody else. */
static void
check_not_redacted(int64 actor_id)
{
	/* A redaction that an older backup has undone does not count. */
	if (strcmp(actor_require(actor_id)->name, actor_redacted_name(actor_id)) == 0 &&
		redaction_is_of(REDACTED_ACTOR, actor_id))
		report_wrong_state("wfo_redacted", errmsg("actor " INT64_FORMAT " is redacted", actor_id),
						   errhint("Register a new actor with register_actor."));
}

/* Change the given properties of an actor. 42710 if a new name is taken. */
void
actor_update(int64 actor_id, const ActorChange *change)
{
	const Actor *known = actor_require(actor_id);
	bool is_renamed = change->name != NULL && strcmp(change->name, known->name) != 0;
	Caller caller;
	StoreRow row;
	Actor *actor;

	if (change->name == NULL && change->role == NULL && change->db_role == NULL &&
		change->active == NULL && change->person == NULL)
		return;
	check_not_redacted(actor_id);
	caller_identify(&caller);
	if (only_deactivates(change) || confirms_role(&caller, known, change))
		protection_share();
	else
		protection_check(&caller, "update_actor");
	if (is_renamed)
		actor_reserve_name(change->name, actor_id);
	actor = lock_actor(actor_id);
	Assert(actor != NULL);
	check_not_redacted(actor_id);

	store_row_init(&row, STORE_ACTOR);
	if (change->name != NULL)
		row_set_text(&row, ACTOR_NAME, change->name);
	if (change->role != NULL)
		row_set_text(&row, ACTOR_ROLE, change->role);
	if (change->db_role != NULL && OidIsValid(*change->db_role))
		set_db_role(&row, *change->db_role, actor);
	else if (change->db_role != NULL)
		clear_db_role(&row);
	if (change->active != NULL)
		row_set_bool(&row, ACTOR_ACTIVE, *change->active);
	if (change->person != NULL)
		row_set_text(&row, ACTOR_PERSON, change->person[0] != '\0' ? change->person : NULL);
	row_set_id(&row, ACTOR_CHANGED_BY, caller_bound_actor(&caller));
	store_update(&row, actor->row);
	if (change->db_role != NULL || change->active != NULL)
		warn_if_not_alone(actor_id);
}
