/*
 * tool.c
 *	  Registers and changes tools.
 *
 * It owns the writing of a tool's row and the checks of its properties against
 * each other.  Which functions can be tools is in tool_function.c, which role
 * they may run as in run_as.c, and what a tool is now in definition.c.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/names.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/tool/row_limit.h"
#include "engine/tool/run_as.h"
#include "engine/tool/run_sql.h"
#include "engine/tool/search_path.h"
#include "engine/tool/tool_function.h"
#include "engine/tool/tool_path.h"
#include "engine/verbs/grant.h"
#include "engine/verbs/preview.h"
#include "engine/verbs/tool.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "model/built_in.h"
#include "model/group_size.h"
#include "store/home.h"
#include "store/lock.h"
#include "store/table.h"
#include "store/tool.h"
#include "store/tool_definition.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* Warn if others could create objects that the tool would use instead of its own. */
static void
warn_if_writable(Oid schema, Oid run_as, Oid function_owner)
{
	Oid writer;

	if (search_path_find_writer(schema, run_as, function_owner, &writer))
		ereport(WARNING,
				(errmsg("schema \"%s\" on the tool's search_path is writable by others",
						get_namespace_name(schema)),
				 writer == ACL_ID_PUBLIC
					 ? errdetail("Every role may create objects in it that the tool would use.")
					 : errdetail("Role \"%s\" may create objects in it that the tool would use.",
								 GetUserNameFromId(writer, false)),
				 errhint("Revoke CREATE on the schema, or register the tool under another "
						 "search_path.")));
}

/* Warn of the schemas on the current search_path that others could write to. */
static void
warn_of_path(Oid run_as, Oid function_owner)
{
	ListCell *cell;

	foreach (cell, fetch_search_path(false))
		if (!isAnyTempNamespace(lfirst_oid(cell)))
			warn_if_writable(lfirst_oid(cell), run_as, function_owner);
}

/* The signature by which the function is found again, whatever the search_path. */
static char *
qualified_signature(Oid function)
{
	int nest_level = NewGUCNestLevel();
	char *signature;

	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	signature = format_procedure_qualified(function);
	AtEOXact_GUC(false, nest_level);
	return signature;
}

static void
check_max_attempts(const int64 *max_attempts)
{
	if (max_attempts != NULL && *max_attempts < 1)
		report_invalid("wfo_argument_invalid", errmsg("max_attempts must be at least 1"),
					   errdetail("It is " INT64_FORMAT ".", *max_attempts));
}

/* Check how many rows a preview is to show: 22023. */
static void
check_preview_rows(const int64 *preview_rows)
{
	if (preview_rows != NULL && (*preview_rows < 0 || *preview_rows > TOOL_PREVIEW_ROWS_MAX))
		report_invalid("wfo_argument_invalid",
					   errmsg("preview_rows must be between 0 and %d", TOOL_PREVIEW_ROWS_MAX),
					   errdetail("It is " INT64_FORMAT ".", *preview_rows));
}

/* Check how many calls may share a transaction: 22023. */
static void
check_group_size(const int64 *group_size)
{
	if (group_size != NULL && (*group_size < 1 || *group_size > GROUP_SIZE_MAX))
		report_invalid("wfo_argument_invalid",
					   errmsg("group_size must be between 1 and %d", GROUP_SIZE_MAX),
					   errdetail("It is " INT64_FORMAT ".", *group_size));
}

/* Refuse dry runs that run a tool which previews may not run: 22023. */
static void
check_dry_run_mode(DryRunMode mode, bool preview)
{
	if (mode == DRY_RUN_ROLLBACK && !preview)
		report_invalid("wfo_argument_invalid", errmsg("dry_run_mode rollback requires preview"),
					   errdetail("A dry run would run the tool and roll it back."),
					   errhint("Specify preview => true if a rollback "
							   "undoes everything that the tool does."));
}

/* Refuse a group for calls that must not run twice, since a group that fails runs again: 22023. */
static void
check_group_reruns(int64 group_size, bool rerun)
{
	if (group_size > 1 && !rerun)
		report_invalid("wfo_argument_invalid", errmsg("rerun false requires group_size 1"),
					   errdetail("It is " INT64_FORMAT ".", group_size),
					   errhint("Specify group_size => 1. Calls that share a transaction run again "
							   "if it fails."));
}

/* Check the properties of the tool against each other: 22023. */
static void
check_rerun(bool rerun, bool in_session, int64 max_attempts, bool preview)
{
	if (rerun)
		return;
	if (in_session)
		report_invalid("wfo_argument_invalid", errmsg("rerun false requires in_session false"),
					   errdetail("In a session, the start of a call cannot be committed before the "
								 "call runs."),
					   errhint("Specify in_session => false. The tool "
							   "then runs only in background workers."));
	if (max_attempts != 1)
		report_invalid("wfo_argument_invalid", errmsg("rerun false requires max_attempts 1"),
					   errdetail("It is " INT64_FORMAT ".", max_attempts),
					   errhint("Specify max_attempts => 1. A call of "
							   "the tool is then never tried again."));
	if (preview)
		ereport(WARNING, (errmsg("previews run a tool that is registered with rerun false"),
						  errdetail("A preview is rolled back, but whatever the "
									"tool does outside the transaction remains."),
						  errhint("Specify preview => false unless the tool does nothing outside "
								  "the transaction in a preview.")));
}

/* Refuse a caller that may not register the function to run as the role. */
static void
check_run_as(const Caller *caller, Oid function, Oid run_as)
{
	HeapTuple tuple;
	Form_pg_proc proc;

	tool_function_check(function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	run_as_check_registration(caller->role, run_as, proc->proowner, proc->prosecdef, function);
	ReleaseSysCache(tuple);
}

/*
 * The same for a new combination of function and role.  A role that is to run
 * SQL statements is granted run_sql.
 */
static void
check_new_run_as(const Caller *caller, Oid function, Oid run_as)
{
	tool_function_check(function);
	if (run_sql_is(function))
	{
		run_as_check_registrant(caller->role, run_as);
		grant_run_sql(run_as);
	}
	check_run_as(caller, function, run_as);
}

/*
 * Refuse a caller that could not register the tool as it will be. function and
 * run_as are the new ones, or InvalidOid.
 */
static void
check_may_change(const Caller *caller, const Tool *tool, Oid function, Oid run_as)
{
	bool is_new = OidIsValid(function) || OidIsValid(run_as);

	if (!OidIsValid(function))
	{
		const Definition *definition = definition_find(tool);

		function = definition != NULL ? definition->function : InvalidOid;
	}
	if (!OidIsValid(run_as))
	{
		/* A superuser may change a tool whose role does not exist: no rights are lent. */
		if (tool_role_name(tool) == NULL && !is_new && superuser_arg(caller->role))
			return;
		run_as = run_as_current(tool);
	}
	if (!OidIsValid(function))
		run_as_check_registrant(caller->role, run_as);
	else if (is_new)
		check_new_run_as(caller, function, run_as);
	else
		check_run_as(caller, function, run_as);
}

/* Let the tool call a function, with the search_path of now. */
static void
set_function(StoreRow *row, Tool *tool, Oid function, Oid run_as)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid function_owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;

	ReleaseSysCache(tuple);
	warn_of_path(run_as, function_owner);
	tool->function = qualified_signature(function);
	tool->search_path = tool_path_current();
	row_set_text(row, TOOL_FUNCTION, tool->function);
	row_set_text(row, TOOL_SEARCH_PATH, tool->search_path);
}

/* Let the tool run as a role. */
static void
set_run_as(StoreRow *row, Tool *tool, Oid run_as)
{
	char *name = GetUserNameFromId(run_as, false);

	row_set_name(row, TOOL_RUN_AS, name);
	row_set(row, TOOL_RUN_AS_OID, ObjectIdGetDatum(run_as));
	row_set_home(row, TOOL_HOME_SYSTEM, TOOL_HOME_DATABASE);
	/* A role of the same name is the same, confirmed after a restore. */
	if (tool->run_as == NULL || strcmp(tool->run_as, name) != 0)
	{
		row_set_null(row, TOOL_FORMER_RUN_AS);
		tool->former_run_as = NIL;
	}
	tool->run_as = name;
	tool->run_as_oid = run_as;
	tool->run_as_is_home = true;
}

static void
set_timeout(StoreRow *row, Tool *tool, Interval *timeout)
{
	row_set_pointer(row, TOOL_TIMEOUT, timeout);
	tool->timeout = timeout;
}

static void
set_max_rows(StoreRow *row, Tool *tool, int64 *max_rows)
{
	row_set_id(row, TOOL_MAX_ROWS, max_rows);
	tool->max_rows = max_rows;
}

/*
 * Note that this is the definition that the tool is meant to have.  It is stored
 * at once, so that the first proposal of the tool does not make others wait until
 * it commits.
 */
static void
set_definition(StoreRow *row, const Tool *tool)
{
	const Definition *definition = definition_load(tool);

	tool_definition_keep(definition->sha256, tool->tool, definition->json);
	row_set_pointer(row, TOOL_DEFINITION, definition->sha256);
}

/* Refuse to change a built-in tool: 42501. */
static void
check_not_built_in(const char *name)
{
	if (built_in_is(name))
		tool_report_built_in(name);
}

/* Refuse a name that only built-in tools have: 22023, or 42710 if there is such a tool. */
static void
check_tool_name(const char *name)
{
	if (built_in_is(name) && tool_load(name) == NULL)
		report_invalid("wfo_argument_invalid", errmsg("tool name \"%s\" is reserved", name),
					   errdetail("Names that begin with \"%s.\" are those of built-in tools.",
								 WFO_SCHEMA),
					   errhint("Choose another name."));
}

/* Register a function as a tool.  42710 where the name is taken. */
void
tool_register(const ToolRequest *request)
{
	Caller caller;
	StoreRow row;
	Tool tool = {.tool = request->tool};
	Oid run_as;

	check_max_attempts(request->max_attempts);
	if (request->max_rows != NULL)
		row_limit_check_argument(*request->max_rows);
	check_preview_rows(request->preview_rows);
	check_group_size(request->group_size);
	check_dry_run_mode(*request->dry_run_mode, *request->preview);
	check_rerun(*request->rerun, *request->in_session, *request->max_attempts, *request->preview);
	check_group_reruns(*request->group_size, *request->rerun);
	check_tool_name(request->tool);
	caller_identify(&caller);
	protection_check(&caller, "register_tool");
	run_as = OidIsValid(request->run_as) ? request->run_as : caller.role;
	check_new_run_as(&caller, request->function, run_as);
	store_lock_text(LOCK_NAME, STORE_TOOL, request->tool);
	if (tool_load(request->tool) != NULL)
		report_duplicate("wfo_tool_exists", errmsg("tool \"%s\" already exists", request->tool),
						 errhint("Choose another name, or change the tool with update_tool."));

	store_row_init(&row, STORE_TOOL);
	row_set_text(&row, TOOL_TOOL, request->tool);
	row_set_bool(&row, TOOL_ENABLED, true);
	row_set_bool(&row, TOOL_IN_SESSION, *request->in_session);
	row_set_bool(&row, TOOL_PREVIEW, *request->preview);
	row_set_enum(&row, TOOL_DRY_RUN_MODE, &dry_run_mode_type, *request->dry_run_mode);
	row_set_int64(&row, TOOL_MAX_ATTEMPTS, *request->max_attempts);
	set_timeout(&row, &tool, request->timeout);
	set_function(&row, &tool, request->function, run_as);
	set_run_as(&row, &tool, run_as);
	row_set_text(&row, TOOL_DESCRIPTION, request->description);
	row_set_time(&row, TOOL_REGISTERED_AT, GetCurrentTimestamp());
	row_set_id(&row, TOOL_CHANGED_BY, caller_bound_actor(&caller));
	row_set_bool(&row, TOOL_RERUN, *request->rerun);
	row_set_bool(&row, TOOL_BUILT_IN, false);
	set_max_rows(&row, &tool, request->max_rows);
	row_set_int64(&row, TOOL_PREVIEW_ROWS, *request->preview_rows);
	row_set_int64(&row, TOOL_GROUP_SIZE, *request->group_size);
	set_definition(&row, &tool);
	store_insert(&row);
}

static Tool *
lock_tool(const char *name)
{
	Tool *tool;

	(void) tool_require(name);
	tool = tool_lock(name, LockWaitBlock);
	Assert(tool != NULL);
	tool_follow_role(tool);
	return tool_lock(name, LockWaitBlock);
}

/* Whether a request to change a tool gives no property. */
static bool
gives_nothing(const ToolRequest *request)
{
	return !OidIsValid(request->function) && !OidIsValid(request->run_as) &&
		   request->description == NULL && request->timeout == NULL &&
		   request->max_attempts == NULL && request->in_session == NULL &&
		   request->preview == NULL && request->dry_run_mode == NULL && request->rerun == NULL &&
		   request->max_rows == NULL && request->preview_rows == NULL &&
		   request->group_size == NULL;
}

/*
 * Whether a request only names the tool's role once more, after a restore: a
 * superuser may do that directly.
 */
static bool
confirms_run_as(const Caller *caller, const ToolRequest *request)
{
	const Tool *tool = tool_require(request->tool);
	ToolRequest rest = *request;

	rest.run_as = InvalidOid;
	return OidIsValid(request->run_as) && gives_nothing(&rest) &&
		   strcmp(tool->run_as, GetUserNameFromId(request->run_as, false)) == 0 &&
		   protection_lets_confirm(caller);
}

/*
 * Change the given properties of a tool, and note its definition of now as the
 * one that it is meant to have.
 */
void
tool_update(const ToolRequest *request)
{
	Caller caller;
	StoreRow row;
	Tool *tool;

	check_max_attempts(request->max_attempts);
	if (request->max_rows != NULL && *request->max_rows != TOOL_NO_MAX_ROWS)
		row_limit_check_argument(*request->max_rows);
	check_preview_rows(request->preview_rows);
	check_group_size(request->group_size);
	check_not_built_in(request->tool);
	if (gives_nothing(request) && definition_is_confirmed(tool_require(request->tool)))
		return;
	caller_identify(&caller);
	if (!confirms_run_as(&caller, request))
		protection_check(&caller, "update_tool");
	check_may_change(&caller, tool_require(request->tool), request->function, request->run_as);
	tool = lock_tool(request->tool);
	check_may_change(&caller, tool, request->function, request->run_as);
	check_dry_run_mode(request->dry_run_mode != NULL ? *request->dry_run_mode : tool->dry_run_mode,
					   request->preview != NULL ? *request->preview : tool->preview);
	check_rerun(request->rerun != NULL ? *request->rerun : tool->rerun,
				request->in_session != NULL ? *request->in_session : tool->in_session,
				request->max_attempts != NULL ? *request->max_attempts : tool->max_attempts,
				request->preview != NULL ? *request->preview : tool->preview);
	check_group_reruns(request->group_size != NULL ? *request->group_size : tool->group_size,
					   request->rerun != NULL ? *request->rerun : tool->rerun);
	store_row_init(&row, STORE_TOOL);
	if (OidIsValid(request->function) || OidIsValid(request->run_as))
	{
		Oid run_as = OidIsValid(request->run_as) ? request->run_as : run_as_current(tool);

		if (OidIsValid(request->function))
			set_function(&row, tool, request->function, run_as);
		set_run_as(&row, tool, run_as);
	}
	if (request->description != NULL)
		row_set_text(&row, TOOL_DESCRIPTION, request->description);
	if (request->timeout != NULL)
		set_timeout(&row, tool, request->timeout);
	if (request->max_attempts != NULL)
		row_set_int64(&row, TOOL_MAX_ATTEMPTS, *request->max_attempts);
	if (request->in_session != NULL)
		row_set_bool(&row, TOOL_IN_SESSION, *request->in_session);
	if (request->preview != NULL)
		row_set_bool(&row, TOOL_PREVIEW, *request->preview);
	if (request->dry_run_mode != NULL)
		row_set_enum(&row, TOOL_DRY_RUN_MODE, &dry_run_mode_type, *request->dry_run_mode);
	if (request->rerun != NULL)
		row_set_bool(&row, TOOL_RERUN, *request->rerun);
	if (request->max_rows != NULL)
		set_max_rows(&row, tool, *request->max_rows != TOOL_NO_MAX_ROWS ? request->max_rows : NULL);
	if (request->preview_rows != NULL)
		row_set_int64(&row, TOOL_PREVIEW_ROWS, *request->preview_rows);
	if (request->group_size != NULL)
		row_set_int64(&row, TOOL_GROUP_SIZE, *request->group_size);
	row_set_id(&row, TOOL_CHANGED_BY, caller_bound_actor(&caller));
	set_definition(&row, tool);
	store_update(&row, tool->row);
}

/* Enable a tool, for a caller that could register it, or disable it, for any caller. */
void
tool_set_enabled(const char *name, bool enabled)
{
	Caller caller;
	StoreRow row;
	Tool *tool;

	caller_identify(&caller);
	check_not_built_in(name);
	if (enabled)
	{
		protection_check(&caller, "set_tool_enabled");
		check_may_change(&caller, tool_require(name), InvalidOid, InvalidOid);
	}
	else
		protection_share();
	tool = lock_tool(name);
	if (tool->enabled == enabled)
		return;
	if (enabled)
		check_may_change(&caller, tool, InvalidOid, InvalidOid);
	store_row_init(&row, STORE_TOOL);
	row_set_bool(&row, TOOL_ENABLED, enabled);
	row_set_id(&row, TOOL_CHANGED_BY, caller_bound_actor(&caller));
	store_update(&row, tool->row);
}
