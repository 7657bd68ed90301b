/*
 * search_path.c
 *	  Who may create objects in the schemas on a tool's search_path.
 *
 * It owns the question whether somebody could put objects into a schema that a
 * tool would then use instead of its own.  It refuses nothing: verbs/tool.c warns
 * when a tool is registered, and check_setup() lists the schemas.
 */
#include "postgres.h"

#include "base/role_name.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "engine/tool/definition.h"
#include "engine/tool/search_path.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* The role behind a role: pg_database_owner stands for the owner of the database. */
static Oid
stands_for(Oid role)
{
	HeapTuple tuple;
	Oid owner;

	if (role != ROLE_PG_DATABASE_OWNER)
		return role;
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	if (!HeapTupleIsValid(tuple))
		return role;
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Whether a tool trusts a role anyway: the role that it runs as, the owner of
 * its function, and superusers.
 */
static bool
is_trusted(Oid role, Oid run_as, Oid function_owner)
{
	role = stands_for(role);
	return role != ACL_ID_PUBLIC &&
		   (role == run_as || role == function_owner || superuser_arg(role));
}

/*
 * Whether a role that is not trusted may create objects in the schema; sets
 * that role, or ACL_ID_PUBLIC.
 */
static bool
find_other_writer(HeapTuple schema, Oid run_as, Oid function_owner, Oid *writer)
{
	Datum value;
	bool isnull;
	Acl *acl;

	*writer = ((Form_pg_namespace) GETSTRUCT(schema))->nspowner;
	if (!is_trusted(*writer, run_as, function_owner))
		return true;
	value = SysCacheGetAttr(NAMESPACEOID, schema, Anum_pg_namespace_nspacl, &isnull);
	if (isnull)
		return false;
	acl = DatumGetAclPCopy(value);
	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		*writer = ACL_DAT(acl)[i].ai_grantee;
		if ((ACLITEM_GET_PRIVS(ACL_DAT(acl)[i]) & ACL_CREATE) != 0 &&
			!is_trusted(*writer, run_as, function_owner))
			return true;
	}
	return false;
}

/*
 * Whether a role other than the tool's, the function's owner and superusers may
 * create objects in the schema; sets one of them, or ACL_ID_PUBLIC.  False for a
 * schema that does not exist.
 */
bool
search_path_find_writer(Oid schema, Oid run_as, Oid function_owner, Oid *writer)
{
	HeapTuple tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	bool found;

	if (!HeapTupleIsValid(tuple))
		return false;
	found = find_other_writer(tuple, run_as, function_owner, writer);
	ReleaseSysCache(tuple);
	return found;
}

/*
 * The schemas on a tool's search_path that others can put objects into, and those
 * that are gone: OpenSchemas.
 */
List *
search_path_open_schemas(const Tool *tool)
{
	const Definition *definition = definition_find(tool);
	Oid owner = definition != NULL ? definition->owner : InvalidOid;
	List *names;
	List *open = NIL;
	ListCell *cell;

	if (!SplitIdentifierString(pstrdup(tool->search_path), ',', &names))
		elog(ERROR, "search_path of tool \"%s\" is not valid", tool->tool);
	foreach (cell, names)
	{
		const char *name = lfirst(cell);
		Oid schema = get_namespace_oid(name, true);
		OpenSchema *found;
		Oid writer;

		if (strcmp(name, "pg_temp") == 0 ||
			(OidIsValid(schema) &&
			 !search_path_find_writer(schema, tool->run_as_oid, owner, &writer)))
			continue;
		found = palloc0(sizeof(OpenSchema));
		found->schema = name;
		if (OidIsValid(schema))
			found->writer = writer == ACL_ID_PUBLIC ? "PUBLIC" : role_name_or_null(writer);
		open = lappend(open, found);
	}
	return open;
}
