/*
 * run_as.c
 *	  Which role a tool may run as.
 *
 * It owns the checks of that role, at registration and at each execution.  With
 * a superuser's rights, every approval would be an approval to do anything; a
 * role that the registering role cannot SET ROLE to would lend it rights that it
 * does not have.  Becoming the role is sandbox.c's business.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/role_name.h"
#include "base/settings.h"
#include "engine/identity/binding.h"
#include "engine/tool/run_as.h"
#include "miscadmin.h"
#include "store/table.h"
#include "utils/acl.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/*
 * The role that the tool runs as: 55000 unless it is still the role that was
 * registered, under whatever name.  Writes a new name into the tool's row.
 */
Oid
run_as_current(const Tool *tool)
{
	char *name = role_name_or_null(tool->run_as_oid);

	if (tool_role_name(tool) == NULL)
		report_wrong_state("wfo_role_changed",
						   errmsg("role \"%s\" is no longer the role that "
								  "tool \"%s\" was registered with",
								  tool->run_as, tool->tool),
						   name == NULL ? errdetail("The role that the tool was registered "
													"with does not exist.")
										: errdetail("The role that the tool was registered "
													"with is now named \"%s\".",
													name),
						   errhint("An administrator can confirm the role "
								   "with update_tool(..., run_as => ...)."));
	tool_follow_role(tool);
	return tool->run_as_oid;
}

/* In which way a tool has the rights of a role. */
typedef enum RoleUse
{
	ROLE_OF_TOOL,   /* the tool runs as the role */
	ROLE_OF_DEFINER /* the role owns the tool's SECURITY DEFINER function */
} RoleUse;

/* Why a tool may not have the rights of a role, or NULL. */
static const char *
superuser_problem(Oid role, RoleUse use)
{
	const char *name;
	const char *owner;

	if (setting_allow_superuser_tools)
		return NULL;
	name = GetUserNameFromId(role, false);
	if (superuser_arg(role))
		return use == ROLE_OF_TOOL
				   ? psprintf("The tool's role \"%s\" is a superuser.", name)
				   : psprintf("The owner \"%s\" of the SECURITY DEFINER function is a superuser.",
							  name);
	if (!is_member_of_role(role, store_owner()))
		return NULL;
	owner = GetUserNameFromId(store_owner(), false);
	return use == ROLE_OF_TOOL
			   ? psprintf("The tool's role \"%s\" is a member of \"%s\", which owns the extension.",
						  name, owner)
			   : psprintf("The owner \"%s\" of the SECURITY DEFINER function is a member of "
						  "\"%s\", which owns the extension.",
						  name, owner);
}

/*
 * Refuse a superuser, and a member of the extension's owner, who could disable
 * the triggers: 42501.
 */
static void
check_no_superuser(Oid role, RoleUse use)
{
	const char *problem = superuser_problem(role, use);

	if (problem != NULL)
		report_denied("wfo_superuser_tool",
					  superuser_arg(role)
						  ? errmsg("a tool cannot run as a superuser")
						  : errmsg("a tool cannot run as a member of the extension's owner"),
					  errdetail("%s", problem),
					  errhint("Create a role with only the privileges that the tool needs (CREATE "
							  "ROLE ... LOGIN) and name it with run_as, or let a superuser turn on "
							  "workflow_orch.allow_superuser_tools."));
}

static bool
may_execute(Oid role, Oid function)
{
	return compat_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
}

static void
check_execute(Oid role, Oid function)
{
	if (!may_execute(role, function))
		report_denied("wfo_role_lacks_execute",
					  errmsg("role \"%s\" may not execute function %s",
							 GetUserNameFromId(role, false), format_procedure(function)),
					  errhint("Grant EXECUTE on the function to the role, or let the tool run as "
							  "another role."));
}

/* The checks at each execution. */
void
run_as_check(const Definition *definition, Oid run_as)
{
	check_no_superuser(run_as, ROLE_OF_TOOL);
	if (definition->security_definer)
		check_no_superuser(definition->owner, ROLE_OF_DEFINER);
	check_execute(run_as, definition->function);
}

/*
 * Why each execution of the tool, whose function exists, would be refused, as a
 * sentence; NULL where it would not be.
 */
const char *
run_as_problem(const Tool *tool, const Definition *definition)
{
	const char *problem;

	if (tool_role_name(tool) == NULL)
		return psprintf("Role \"%s\" is no longer the role that the tool was registered with.",
						tool->run_as);
	problem = superuser_problem(tool->run_as_oid, ROLE_OF_TOOL);
	if (problem == NULL && definition->security_definer)
		problem = superuser_problem(definition->owner, ROLE_OF_DEFINER);
	if (problem == NULL && !may_execute(tool->run_as_oid, definition->function))
		problem = psprintf("Role \"%s\" may not execute the function.", tool->run_as);
	return problem;
}

bool
run_as_exists(Oid run_as)
{
	return OidIsValid(run_as) && GetUserNameFromId(run_as, true) != NULL;
}

/*
 * Why no background worker can connect to a database as a role, or NULL: the
 * server itself would only end the worker.
 */
const char *
run_as_connect_problem(Oid database, Oid run_as)
{
	if (!run_as_exists(run_as))
		return "The role does not exist.";
	if (!compat_worker_can_log_in(run_as))
		return "The role is not permitted to log in: use ALTER ROLE ... LOGIN.";
	/* A database that is gone is not the role's problem. */
	if (SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database)) &&
		compat_database_aclcheck(database, run_as, ACL_CONNECT) != ACLCHECK_OK)
		return "The role has no CONNECT privilege on the database: use GRANT CONNECT.";
	return NULL;
}

/* Refuse a role that no background worker can connect as: 55000. */
void
run_as_check_worker(const Tool *tool, Oid run_as)
{
	const char *problem = run_as_connect_problem(MyDatabaseId, run_as);

	if (problem != NULL)
		report_wrong_state("wfo_role_no_worker",
						   errmsg("no background worker can run tool \"%s\" as role \"%s\"",
								  tool->tool, tool->run_as),
						   errdetail("%s", problem),
						   errhint("Let the role connect, or name another one with "
								   "update_tool(..., run_as => ...)."));
}

/* Refuse a registering role that cannot lend the tool's role to a tool: 42501. */
void
run_as_check_registrant(Oid registrant, Oid run_as)
{
	if (!compat_can_set_role(registrant, run_as))
		report_denied("wfo_cannot_set_role",
					  errmsg("role \"%s\" may not SET ROLE to \"%s\"",
							 GetUserNameFromId(registrant, false),
							 GetUserNameFromId(run_as, false)),
					  errdetail("The role that registers or changes a tool must be able to SET "
								"ROLE to the role that the tool runs as."));
	check_no_superuser(run_as, ROLE_OF_TOOL);
}

/* Check the role and the function of a tool that is registered or changed. */
void
run_as_check_registration(Oid registrant, Oid run_as, Oid owner, bool security_definer,
						  Oid function)
{
	run_as_check_registrant(registrant, run_as);
	if (security_definer)
	{
		if (!compat_can_set_role(registrant, owner))
			report_denied("wfo_cannot_set_role",
						  errmsg("role \"%s\" may not SET ROLE to \"%s\"",
								 GetUserNameFromId(registrant, false),
								 GetUserNameFromId(owner, false)),
						  errdetail("A SECURITY DEFINER function runs as its owner, so the role "
									"that registers or changes the tool must be able to SET ROLE "
									"to that owner as well."));
		check_no_superuser(owner, ROLE_OF_DEFINER);
	}
	check_execute(run_as, function);
}
