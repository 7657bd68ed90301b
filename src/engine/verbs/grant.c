/*
 * grant.c
 *	  Grants and revokes capabilities.
 *
 * A capability consists of plain privileges on functions and tables
 * (model/capability.c), so \df+ and \dp show them and pg_dump keeps them.  This
 * file grants and revokes them, and writes the audit row, since no row of the
 * extension changes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/names.h"
#include "catalog/pg_proc.h"
#include "engine/audit/authority.h"
#include "engine/identity/caller.h"
#include "engine/identity/capability.h"
#include "engine/identity/protection.h"
#include "engine/verbs/grant.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "store/audit_log.h"
#include "store/lock.h"
#include "store/table.h"
#include "utils/acl.h"
#include "utils/syscache.h"

typedef enum GrantChange
{
	CHANGE_GRANT,
	CHANGE_REVOKE
} GrantChange;

/* Whether a role was granted a function directly, and not through another role. */
static bool
is_granted_directly(Oid role, const char *function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(capability_function(function)));
	Datum value;
	bool isnull;
	bool found = false;

	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proacl, &isnull);
	if (!isnull)
	{
		Acl *acl = DatumGetAclPCopy(value);

		for (int i = 0; i < ACL_NUM(acl); i++)
			if (ACL_DAT(acl)[i].ai_grantee == role &&
				(ACLITEM_GET_PRIVS(ACL_DAT(acl)[i]) & ACL_EXECUTE) != 0)
				found = true;
	}
	ReleaseSysCache(tuple);
	return found;
}

static void
grant_or_revoke(GrantChange change, ObjectType type, const char *object, const char *privilege,
				Oid role)
{
	GrantStmt *stmt = makeNode(GrantStmt);
	AccessPriv *priv = makeNode(AccessPriv);
	RoleSpec *grantee = makeNode(RoleSpec);

	priv->priv_name = pstrdup(privilege);
	grantee->roletype = ROLESPEC_CSTRING;
	grantee->rolename = GetUserNameFromId(role, false);
	grantee->location = -1;

	stmt->is_grant = change == CHANGE_GRANT;
	stmt->targtype = ACL_TARGET_OBJECT;
	stmt->objtype = type;
	stmt->privileges = list_make1(priv);
	stmt->grantees = list_make1(grantee);
	stmt->behavior = DROP_RESTRICT;

	if (type == OBJECT_SCHEMA)
		stmt->objects = list_make1(makeString(pstrdup(WFO_SCHEMA)));
	else if (type == OBJECT_TABLE)
		stmt->objects = list_make1(makeRangeVar(pstrdup(WFO_SCHEMA), pstrdup(object), -1));
	else
	{
		ObjectWithArgs *function = makeNode(ObjectWithArgs);

		function->objname = list_make2(makeString(pstrdup(WFO_SCHEMA)),
									   makeString(pstrdup(object)));
		function->args_unspecified = true;
		stmt->objects = list_make1(function);
	}
	ExecuteGrantStmt(stmt);
	CommandCounterIncrement();
}

/*
 * As the owner of the extension, let a role execute run_sql, which works only
 * as the tool of a running call.
 */
void
grant_run_sql(Oid role)
{
	Oid save_user;
	int save_context;

	if (compat_proc_aclcheck(capability_function("run_sql"), role, ACL_EXECUTE) == ACLCHECK_OK)
		return;
	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(store_owner(), save_context | SECURITY_LOCAL_USERID_CHANGE);
	grant_or_revoke(CHANGE_GRANT, OBJECT_FUNCTION, "run_sql", "execute", role);
	SetUserIdAndSecContext(save_user, save_context);
}

static Capability
check_capability_name(const Caller *caller, const char *name)
{
	Capability capability;

	if (!capability_parse(name, &capability))
		report_invalid("wfo_unknown_label", errmsg("unknown capability \"%s\"", name),
					   errhint("Capabilities are %s.", capability_list()));
	if (capability_info(capability)->restricted && !superuser_arg(caller->role) &&
		!has_privs_of_role(caller->role, store_owner()))
		report_denied("wfo_capability_restricted",
					  errmsg("capability \"%s\" is not yours to grant or revoke", name),
					  errhint("Ask a superuser or the owner of the extension."));
	return capability;
}

static void
audit_capability(const Caller *caller, const char *action, Oid role, const char *name)
{
	AuditEntry entry = {.action = action,
						.actor_id = caller_bound_actor(caller),
						.login = caller->login,
						.db_role = caller->role};
	JsonObject details;

	json_object_begin(&details);
	json_add_text(&details, "db_role", GetUserNameFromId(role, false));
	json_add_text(&details, "capability", name);
	authority_add(&entry, &details);
	entry.details = json_object_end(&details);
	audit_insert(&entry);
}

/*
 * As the owner of the extension, make or undo the grants of one capability.
 * Grants that another capability of the role needs too are not revoked.
 */
static void
change_grants(GrantChange change, Oid role, Capability capability)
{
	const CapabilityInfo *info = capability_info(capability);
	bool held[CAPABILITY_COUNT];
	bool any_other = false;
	Oid save_user;
	int save_context;

	store_lock_id(LOCK_GRANTS, 0, LOCK_EXCLUSIVE);
	for (int i = 0; i < CAPABILITY_COUNT; i++)
	{
		held[i] = i != (int) capability &&
				  is_granted_directly(role, capability_info(i)->functions[0]);
		any_other |= held[i];
	}

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(store_owner(), save_context | SECURITY_LOCAL_USERID_CHANGE);

	if (change == CHANGE_GRANT)
		grant_or_revoke(CHANGE_GRANT, OBJECT_SCHEMA, NULL, "usage", role);
	for (const char *const *function = info->functions; *function != NULL; function++)
	{
		bool keep = false;

		for (int i = 0; i < CAPABILITY_COUNT; i++)
			keep |= change == CHANGE_REVOKE && held[i] && capability_has_function(i, *function);
		if (!keep)
			grant_or_revoke(change, OBJECT_FUNCTION, *function, "execute", role);
	}
	for (const char *const *table = info->tables; *table != NULL; table++)
	{
		bool keep = false;

		for (int i = 0; i < CAPABILITY_COUNT; i++)
			keep |= change == CHANGE_REVOKE && held[i] && capability_has_table(i, *table);
		if (!keep)
			grant_or_revoke(change, OBJECT_TABLE, *table, "select", role);
	}
	if (change == CHANGE_REVOKE && !any_other)
		grant_or_revoke(CHANGE_REVOKE, OBJECT_SCHEMA, NULL, "usage", role);

	SetUserIdAndSecContext(save_user, save_context);
}

/*
 * Warn about a gateway that can propose as one actor and approve as another in
 * each of its sessions.
 */
static void
warn_if_alone(Oid role, Capability granted)
{
	if (superuser_arg(role) ||
		(granted != CAPABILITY_GATEWAY && granted != CAPABILITY_PROPOSE &&
		 granted != CAPABILITY_REVIEW) ||
		!capability_is_held(role, CAPABILITY_GATEWAY) ||
		!capability_is_held(role, CAPABILITY_PROPOSE) ||
		!capability_is_held(role, CAPABILITY_REVIEW))
		return;
	ereport(WARNING, (errmsg("role \"%s\" may propose and review as any actor",
							 GetUserNameFromId(role, false)),
					  errdetail("The role holds or inherits the capabilities \"gateway\", "
								"\"propose\" and \"review\", so that each of its sessions can "
								"propose as one actor and approve as another."),
					  errhint("Use one role to propose and another one to review, or make the role "
							  "NOINHERIT and let it SET ROLE to these roles.")));
}

void
capability_grant(Oid role, const char *name)
{
	Caller caller;
	Capability capability;

	caller_identify(&caller);
	capability = check_capability_name(&caller, name);
	protection_check(&caller, "grant_capability");
	change_grants(CHANGE_GRANT, role, capability);
	audit_capability(&caller, "grant_capability", role, name);
	warn_if_alone(role, capability);
}

void
capability_revoke(Oid role, const char *name)
{
	Caller caller;
	Capability capability;

	caller_identify(&caller);
	capability = check_capability_name(&caller, name);
	if (capability == CAPABILITY_AUDIT)
		protection_check(&caller, "revoke_capability");
	else
		protection_share();
	change_grants(CHANGE_REVOKE, role, capability);
	audit_capability(&caller, "revoke_capability", role, name);
}
