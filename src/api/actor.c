/*
 * actor.c
 *	  SQL functions about actors.
 *
 * It reads the arguments of the calls and calls engine/verbs/actor.c; it checks
 * nothing but the arguments themselves.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/actor.h"
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

/* A regrole, where "-" stands for no role. */
static Oid *
arg_role_or_none(FunctionCallInfo fcinfo, int n, const char *name)
{
	Oid *role;

	if (PG_ARGISNULL(n))
		return NULL;
	role = palloc(sizeof(Oid));
	*role = OidIsValid(PG_GETARG_OID(n)) ? arg_role(fcinfo, n, name) : InvalidOid;
	return role;
}

/* A key, where the empty string stands for no key. */
static char *
arg_key_or_empty(FunctionCallInfo fcinfo, int n, const char *name)
{
	char *value = arg_text_or_null(fcinfo, n, name);

	return value == NULL || value[0] == '\0' ? value : arg_key(fcinfo, n, name);
}

Datum
wfo_update_actor(PG_FUNCTION_ARGS)
{
	ActorChange change;
	int64 actor_id;

	call_begin("update_actor");
	actor_id = arg_int64(fcinfo, 0, "actor_id");
	change.role = arg_key_or_null(fcinfo, 1, "role");
	change.db_role = arg_role_or_none(fcinfo, 2, "db_role");
	change.active = arg_bool_or_null(fcinfo, 3);
	change.person = arg_key_or_empty(fcinfo, 4, "person");
	change.name = arg_key_or_null(fcinfo, 5, "name");
	actor_update(actor_id, &change);
	PG_RETURN_VOID();
}
