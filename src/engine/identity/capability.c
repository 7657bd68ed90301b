/*
 * capability.c
 *	  Which capabilities a role has.
 *
 * It owns the question whether a role has a capability: the privilege to
 * EXECUTE the capability's first function, granted by hand or with
 * grant_capability.  What a capability consists of is in model/capability.c,
 * and verbs/grant.c grants it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/names.h"
#include "catalog/pg_proc.h"
#include "engine/identity/capability.h"
#include "miscadmin.h"
#include "store/table.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

/* The OID of one of the extension's functions, whose names are unique. */
Oid
capability_function(const char *name)
{
	Oid schema = extension_schema();
	CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Oid result = InvalidOid;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (proc->pronamespace == schema)
			result = proc->oid;
	}
	ReleaseSysCacheList(list);
	if (!OidIsValid(result))
		elog(ERROR, "function %s.%s does not exist", WFO_SCHEMA, name);
	return result;
}

/* Whether a role has a capability, itself or as a member of another role. */
bool
capability_is_held(Oid role, Capability capability)
{
	if (superuser_arg(role) || has_privs_of_role(role, store_owner()))
		return true;
	return compat_proc_aclcheck(capability_function(capability_info(capability)->functions[0]),
								role, ACL_EXECUTE) == ACLCHECK_OK;
}

/* The roles that a capability was granted to directly, as OIDs; PUBLIC is InvalidOid. */
List *
capability_grantees(Capability capability)
{
	Oid function = capability_function(capability_info(capability)->functions[0]);
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	bool isnull;
	Datum value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proacl, &isnull);
	List *grantees = NIL;

	if (!isnull)
	{
		Acl *acl = DatumGetAclPCopy(value);

		for (int i = 0; i < ACL_NUM(acl); i++)
			if (ACL_DAT(acl)[i].ai_grantee != owner &&
				(ACLITEM_GET_PRIVS(ACL_DAT(acl)[i]) & ACL_EXECUTE) != 0)
				grantees = list_append_unique_oid(grantees, ACL_DAT(acl)[i].ai_grantee);
	}
	ReleaseSysCache(tuple);
	return grantees;
}
