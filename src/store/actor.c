/*
 * actor.c
 *	  The table actor.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "store/actor.h"
#include "store/home.h"
#include "store/table.h"
#include "utils/fmgroids.h"

const StoreTableInfo actor_table = {
	.name = "actor",
	.id_sequence = "actor_actor_id_seq",
	.columns = ACTOR_COLUMNS,
	.cached = true,
	.fixed = (const AttrNumber[]){ACTOR_ACTOR_ID, ACTOR_KIND, ACTOR_REGISTERED_AT, 0},
	.identifying = (const StoreIdentifying[]){{ACTOR_NAME, IDENTITY_NAME},
											  {ACTOR_DB_ROLE, IDENTITY_NULL},
											  {ACTOR_DB_ROLE_OID, IDENTITY_NULL},
											  {ACTOR_HOME_SYSTEM, IDENTITY_NULL},
											  {ACTOR_HOME_DATABASE, IDENTITY_NULL},
											  {ACTOR_FORMER_DB_ROLES, IDENTITY_NULL},
											  {ACTOR_PERSON, IDENTITY_PERSON},
											  {0}},
	.actor_id = ACTOR_ACTOR_ID,
	.insert_call = "register_actor",
	.update_call = "update_actor",
	.delete_call = "update_actor(..., active => false)",
};

static Actor *
actor_read(StoredRow *row)
{
	Actor *actor = palloc0(sizeof(Actor));

	actor->actor_id = column_int64(row, ACTOR_ACTOR_ID);
	actor->name = column_some_text(row, ACTOR_NAME);
	actor->role = column_some_text(row, ACTOR_ROLE);
	actor->kind = column_enum(row, ACTOR_KIND, &actor_kind_type);
	actor->active = column_bool(row, ACTOR_ACTIVE);
	actor->db_role = column_name(row, ACTOR_DB_ROLE);
	if (actor->db_role != NULL)
		actor->db_role_oid = column_oid(row, ACTOR_DB_ROLE_OID);
	actor->db_role_is_home = column_is_home(row, ACTOR_HOME_SYSTEM, ACTOR_HOME_DATABASE);
	actor->former_db_roles = column_texts(row, ACTOR_FORMER_DB_ROLES);
	actor->person = column_text(row, ACTOR_PERSON);
	actor->registered_at = column_int64(row, ACTOR_REGISTERED_AT);
	actor->row = row;
	return actor;
}

static void *
actor_fetch(const void *actor_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, ACTOR_ACTOR_ID, *(const int64 *) actor_id);
	row = store_fetch(STORE_ACTOR, "actor_pkey", 1, &key);
	return row != NULL ? actor_read(row) : NULL;
}

/* Return the actor with this id, or NULL; valid until the end of the transaction. */
const Actor *
actor_load(int64 actor_id)
{
	return store_cached(STORE_ACTOR, &actor_id, sizeof(actor_id), actor_fetch);
}

/* Lock the actor for a change.  Returns NULL if it does not exist or is busy with LockWaitSkip. */
Actor *
actor_lock(int64 actor_id, LockWaitPolicy wait)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, ACTOR_ACTOR_ID, actor_id);
	if (store_lock_row(STORE_ACTOR, "actor_pkey", &key, wait, &row) != STORE_LOCKED)
		return NULL;
	return actor_read(row);
}

/* Return the id of the actor with a name, or 0. */
int64
actor_id_of_name(const char *name)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_text(&key, ACTOR_NAME, name);
	row = store_fetch(STORE_ACTOR, "actor_name_key", 1, &key);
	return row != NULL ? column_int64(row, ACTOR_ACTOR_ID) : 0;
}

/* Begin to scan the actors with a role, or if that is NULL all of them. */
void
actor_scan_begin(ActorScan *scan, const char *role)
{
	ScanKeyData key;

	if (role != NULL)
		store_key_text(&key, ACTOR_ROLE, role);
	store_scan_begin(&scan->scan, STORE_ACTOR, role != NULL ? "actor_role_idx" : "actor_pkey",
					 role != NULL ? 1 : 0, &key);
}

/* Begin to scan the actors bound to a role with this OID. */
void
actor_scan_begin_by_role_oid(ActorScan *scan, Oid db_role_oid)
{
	ScanKeyData key;

	ScanKeyInit(&key, ACTOR_DB_ROLE_OID, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(db_role_oid));
	store_scan_begin(&scan->scan, STORE_ACTOR, "actor_db_role_oid_idx", 1, &key);
}

/* Begin to scan the actors bound to a role that had this name. */
void
actor_scan_begin_by_role_name(ActorScan *scan, const char *db_role)
{
	ScanKeyData key;

	store_key_name(&key, ACTOR_DB_ROLE, db_role);
	store_scan_begin(&scan->scan, STORE_ACTOR, "actor_db_role_idx", 1, &key);
}

/* Return the next actor, without its row, or NULL after the last. */
const Actor *
actor_scan_next(ActorScan *scan)
{
	StoredRow *row = store_scan_next(&scan->scan);
	Actor *actor;

	if (row == NULL)
		return NULL;
	actor = actor_read(row);
	actor->row = NULL;
	actor->is_own_write =
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->tuple->t_data));
	return actor;
}

void
actor_scan_end(ActorScan *scan)
{
	store_scan_end(&scan->scan);
}
