/*
 * utility.c
 *	  Makes room for commands that need a database for themselves.
 *
 * This file owns what the workers do before and after such commands.  It changes no
 * command, and refuses none.
 *
 * DROP DATABASE, ALTER DATABASE ... RENAME and SET TABLESPACE, and CREATE
 * DATABASE ... TEMPLATE fail while any session is connected to the database, even
 * an idle worker.  So idle workers leave first, and none starts until the command
 * has ended.  A worker that runs a call is left alone, like any other session.
 *
 * DROP EXTENSION locks its tables in another order than a call does, which could
 * be a deadlock.  So this file first locks the table that each call, each keeper and
 * each look through the queue locks first, and thereby waits for those that run.
 *
 * COMMIT PREPARED runs no callback of the transaction that it commits, so a keeper
 * looks for the calls that the transaction has queued.
 */
#include "postgres.h"

#include "base/command_hook.h"
#include "base/compat.h"
#include "base/names.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "engine/run/work.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/syscache.h"
#include "worker/client/announce.h"
#include "worker/client/utility.h"
#include "worker/pool/block.h"
#include "worker/pool/pool.h"

/* The database that a CREATE DATABASE command copies. */
static const char *
template_of(const CreatedbStmt *stmt)
{
	ListCell *cell;

	foreach (cell, stmt->options)
	{
		DefElem *option = lfirst(cell);

		if (strcmp(option->defname, "template") == 0 && option->arg != NULL)
			return defGetString(option);
	}
	return "template1";
}

/* The database that a command needs for itself; NULL if there is none. */
static const char *
exclusive_database(Node *stmt)
{
	ListCell *cell;

	switch (nodeTag(stmt))
	{
		case T_DropdbStmt:
			return ((DropdbStmt *) stmt)->dbname;
		case T_CreatedbStmt:
			return template_of((CreatedbStmt *) stmt);
		case T_RenameStmt:
			return ((RenameStmt *) stmt)->renameType == OBJECT_DATABASE
					   ? ((RenameStmt *) stmt)->subname
					   : NULL;
		case T_AlterDatabaseStmt:
			foreach (cell, ((AlterDatabaseStmt *) stmt)->options)
				if (strcmp(((DefElem *) lfirst(cell))->defname, "tablespace") == 0)
					return ((AlterDatabaseStmt *) stmt)->dbname;
			return NULL;
		default:
			return NULL;
	}
}

static bool
may_create_databases(Oid role)
{
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool result = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_authid form = (Form_pg_authid) GETSTRUCT(tuple);

		result = form->rolcreatedb || form->rolsuper;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* Whether a CREATE DATABASE command copies a database that any role with CREATEDB can copy. */
static bool
is_template(Oid database, Node *stmt)
{
	HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	bool result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = IsA(stmt, CreatedbStmt) && ((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
		ReleaseSysCache(tuple);
	}
	return result;
}

/*
 * Whether the user is allowed to run the command, as far as that is easy to say.
 * If not, the server refuses it, and no worker has to leave.
 */
static bool
may_run_utility(Node *stmt, Oid database)
{
	if (IsA(stmt, CreatedbStmt) && !may_create_databases(GetUserId()))
		return false;
	return is_template(database, stmt) || compat_database_ownercheck(database, GetUserId());
}

/* Whether the command drops this extension and the user is allowed to. */
static bool
drops_extension(Node *stmt)
{
	ListCell *cell;

	if (!IsA(stmt, DropStmt) || ((DropStmt *) stmt)->removeType != OBJECT_EXTENSION)
		return false;
	foreach (cell, ((DropStmt *) stmt)->objects)
	{
		const char *name = strVal(lfirst(cell));
		Oid extension = strcmp(name, WFO_NAME) == 0 ? get_extension_oid(name, true) : InvalidOid;

		if (OidIsValid(extension) && compat_extension_ownercheck(extension, GetUserId()))
			return true;
	}
	return false;
}

static bool
is_create_extension(Node *stmt)
{
	return IsA(stmt, CreateExtensionStmt) &&
		   strcmp(((CreateExtensionStmt *) stmt)->extname, WFO_NAME) == 0;
}

/* Whether the command may keep a role from connecting. */
static bool
changes_roles(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_DropRoleStmt:
		case T_AlterRoleStmt:
			return true;
		case T_GrantStmt:
			return ((GrantStmt *) stmt)->objtype == OBJECT_DATABASE;
		default:
			return false;
	}
}

/* The database that idle workers have to leave for the command; InvalidOid if there is none. */
static Oid
needed_database(Node *stmt)
{
	const char *name = exclusive_database(stmt);
	Oid database = name != NULL ? get_database_oid(name, true) : InvalidOid;

	return OidIsValid(database) && may_run_utility(stmt, database) ? database : InvalidOid;
}

static bool
is_commit_prepared(Node *stmt)
{
	return IsA(stmt, TransactionStmt) &&
		   ((TransactionStmt *) stmt)->kind == TRANS_STMT_COMMIT_PREPARED;
}

static void
unblock_at_error(int code, Datum arg)
{
	(void) code;
	(void) arg;
	pool_unblock_databases();
}

/* Run a command while no worker is in a database, except workers that run a call. */
static void
run_command_alone(Oid database, const Command *command)
{
	/* The end of the process unblocks the database as well. */
	PG_ENSURE_ERROR_CLEANUP(unblock_at_error, (Datum) 0);
	{
		pool_block_database(database);
		command_run(command);
		if (IsA(command->stmt->utilityStmt, DropdbStmt))
			pool_forget_database(database);
	}
	PG_END_ENSURE_ERROR_CLEANUP(unblock_at_error, (Datum) 0);
	pool_unblock_databases();
}

static void
run_with_room(const Command *command)
{
	Node *stmt = command->stmt->utilityStmt;
	bool commit_prepared = is_commit_prepared(stmt);
	bool creates_extension = is_create_extension(stmt);
	bool roles = changes_roles(stmt);
	Oid database = needed_database(stmt);

	if (OidIsValid(database))
	{
		run_command_alone(database, command);
		return;
	}
	if (drops_extension(stmt))
		work_lock_out();
	command_run(command);
	if (commit_prepared)
		pool_request_visit(MyDatabaseId);
	if (creates_extension)
		announce_visit();
	if (roles)
		announce_roles();
}

void
utility_define(void)
{
	command_hook_run_with(run_with_room);
}
