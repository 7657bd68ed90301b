/*
 * actor.c
 *	  SQL functions about actors.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_register_actor);
PG_FUNCTION_INFO_V1(wfo_update_actor);

Datum
wfo_register_actor(PG_FUNCTION_ARGS)
{
	char *name;
	char *role;
	Oid db_role;
	char *kind;
	char *person;

	call_begin("register_actor");
	name = arg_key(fcinfo, 0, "name");
	role = arg_key(fcinfo, 1, "role");
	db_role = arg_role_or_invalid(fcinfo, 2, "db_role");
	kind = arg_text(fcinfo, 3, "kind");
	person = arg_key_or_null(fcinfo, 4, "person");
	PG_RETURN_INT64(actor_register(name, role, db_role, kind, person));
}

Datum
wfo_update_actor(PG_FUNCTION_ARGS)
{
	int64 actor_id;
	char *role;
	Oid db_role;
	bool *active;
	char *person;

	call_begin("update_actor");
	actor_id = arg_int64(fcinfo, 0, "actor_id");
	role = arg_key_or_null(fcinfo, 1, "role");
	db_role = arg_role_or_invalid(fcinfo, 2, "db_role");
	active = arg_bool_or_null(fcinfo, 3);
	person = arg_key_or_null(fcinfo, 4, "person");
	actor_update(actor_id, role, db_role, active, person);
	PG_RETURN_VOID();
}
