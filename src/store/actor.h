/*
 * actor.h
 *	  The table actor.
 */
#ifndef WFO_STORE_ACTOR_H
#define WFO_STORE_ACTOR_H

#include "postgres.h"

#include "store/table.h"
#include "model/status.h"

enum
{
	ACTOR_ACTOR_ID = 1,
	ACTOR_NAME,
	ACTOR_ROLE,
	ACTOR_KIND,
	ACTOR_ACTIVE,
	ACTOR_DB_ROLE,
	ACTOR_DB_ROLE_OID,
	ACTOR_PERSON,
	ACTOR_REGISTERED_AT,
	ACTOR_CHANGED_BY,
	ACTOR_HOME_SYSTEM,
	ACTOR_HOME_DATABASE,
	ACTOR_FORMER_DB_ROLES,
	ACTOR_COLUMNS = ACTOR_FORMER_DB_ROLES
};

typedef struct Actor
{
	int64 actor_id;
	char *name;
	char *role;
	ActorKind kind;
	bool active;
	char *db_role; /* NULL: not bound; see engine/identity/binding.h for what it is today */
	Oid db_role_oid;
	bool db_role_is_home;  /* it was bound in this database */
	List *former_db_roles; /* names of the role before it was renamed */
	char *person;          /* NULL: not known */
	TimestampTz registered_at;
	bool is_own_write; /* of an actor that a scan found: this transaction wrote it */
	StoredRow *row;
} Actor;

extern const Actor *actor_load(int64 actor_id);
extern Actor *actor_lock(int64 actor_id, LockWaitPolicy wait);
extern int64 actor_id_of_name(const char *name);

/* The actors with a role, or all of them. */
typedef struct ActorScan
{
	StoreScan scan;
} ActorScan;

extern void actor_scan_begin(ActorScan *scan, const char *role);
extern const Actor *actor_scan_next(ActorScan *scan);
extern void actor_scan_end(ActorScan *scan);
extern void actor_scan_begin_by_role_oid(ActorScan *scan, Oid db_role_oid);
extern void actor_scan_begin_by_role_name(ActorScan *scan, const char *db_role);

#endif
