/*
 * role_name.c
 *	  Names of roles.
 *
 * A call asks some twenty times for the names of the same two or three roles, so
 * this file keeps them until the catalog of roles changes, as the server's own
 * cache of that catalog does.
 */
#include "postgres.h"

#include "base/role_name.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#define KNOWN_ROLES 16

static struct
{
	Oid role; /* invalid: none */
	NameData name;
} known_roles[KNOWN_ROLES];

static uint64 role_changes = 0;

static void
forget_roles(pg_attribute_unused() Datum arg, pg_attribute_unused() int cacheid,
			 pg_attribute_unused() uint32 hashvalue)
{
	memset(known_roles, 0, sizeof(known_roles));
	role_changes++;
}

/* Look a name up and keep it, unless roles have changed meanwhile: NULL if there is no such role. */
static char *
find_role(Oid role, int place)
{
	static bool registered = false;
	uint64 before;
	char *name;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(AUTHOID, forget_roles, (Datum) 0);
		registered = true;
	}
	before = role_changes;
	name = GetUserNameFromId(role, true);
	if (name != NULL && role_changes == before)
	{
		known_roles[place].role = role;
		namestrcpy(&known_roles[place].name, name);
	}
	return name;
}

/* The name of a role, or NULL if there is none with this OID: palloc'd. */
char *
role_name_or_null(Oid role)
{
	int place = role % KNOWN_ROLES;

	if (OidIsValid(role) && known_roles[place].role == role)
		return pstrdup(NameStr(known_roles[place].name));
	return find_role(role, place);
}

/* The name of a role: palloc'd.  It is an error if there is none with this OID. */
char *
role_name_of(Oid role)
{
	char *name = role_name_or_null(role);

	return name != NULL ? name : GetUserNameFromId(role, false);
}

/*
 * The role that the session's client has authenticated as.  SET SESSION
 * AUTHORIZATION does not change it.  Without a client it is the bootstrap
 * superuser.
 */
Oid
authenticated_role(void)
{
	return MyProc != NULL && OidIsValid(MyProc->roleId) ? MyProc->roleId : BOOTSTRAP_SUPERUSERID;
}
