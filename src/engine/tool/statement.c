/*
 * statement.c
 *	  Judges the text of a SQL statement by parsing it.
 *
 * The server's own parser says where one statement ends and what it is: a
 * search for words in the text would be fooled by quotes and comments.  This
 * file refuses what a function cannot run, and what would be undone at the end
 * of the call or is of use only to the session.  It does not decide what a
 * statement may do: that is up to the role that the statement runs as.
 */
#include "postgres.h"

#include "base/errors.h"
#include "commands/defrem.h"
#include "engine/tool/statement.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/guc.h"

/* Show a syntax error at its place in the statement, and not in the caller's query. */
static void
syntax_error_callback(void *text)
{
	int position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) text);
	}
}

/* Parse under the settings that a tool sees. */
static List *
parse(const char *text)
{
	ErrorContextCallback callback = {.callback = syntax_error_callback,
									 .arg = (void *) text,
									 .previous = error_context_stack};
	int nest_level = NewGUCNestLevel();
	List *statements;

	(void) set_config_option("standard_conforming_strings", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	error_context_stack = &callback;
	statements = raw_parser(text, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;
	AtEOXact_GUC(false, nest_level);
	return statements;
}

/* Whether an option is on, as the server reads it: the last one of a name counts. */
static bool
option_is_on(const List *options, const char *name)
{
	ListCell *cell;
	bool on = false;

	foreach (cell, options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, name) == 0)
			on = defGetBoolean(lfirst_node(DefElem, cell));
	return on;
}

static bool
detaches_concurrently(const AlterTableStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_DetachPartition &&
			castNode(PartitionCmd, command->def)->concurrent)
			return true;
	}
	return false;
}

static bool
uses_cursor(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return IsA(node, CurrentOfExpr) || raw_expression_tree_walker(node, uses_cursor, context);
}

/* Whether the server refuses a statement inside a transaction block, where each call is. */
static bool
needs_no_transaction(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_VacuumStmt:
			return ((const VacuumStmt *) statement)->is_vacuumcmd;
		case T_IndexStmt:
			return ((const IndexStmt *) statement)->concurrent;
		case T_DropStmt:
			return ((const DropStmt *) statement)->concurrent;
		case T_AlterTableStmt:
			return detaches_concurrently((const AlterTableStmt *) statement);
		case T_ReindexStmt:
			return option_is_on(((const ReindexStmt *) statement)->params, "concurrently") ||
				   ((const ReindexStmt *) statement)->kind > REINDEX_OBJECT_TABLE;
		case T_ClusterStmt:
			return ((const ClusterStmt *) statement)->relation == NULL;
		case T_CreatedbStmt:
		case T_DropdbStmt:
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
		case T_AlterSystemStmt:
			return true;
		default:
			return false;
	}
}

/* Whether a statement is of use only to the session. */
static bool
concerns_session(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_PrepareStmt:
		case T_ExecuteStmt:
		case T_DeallocateStmt:
		case T_DeclareCursorStmt:
		case T_FetchStmt:
		case T_ClosePortalStmt:
		case T_ListenStmt:
		case T_UnlistenStmt:
		case T_DiscardStmt:
		case T_LoadStmt:
			return true;
		default:
			return false;
	}
}

/* The statement that a statement has in it, or NULL. */
static const Node *
inner_statement(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CopyStmt:
			return ((const CopyStmt *) statement)->query;
		case T_ExplainStmt:
			return ((const ExplainStmt *) statement)->query;
		case T_CreateTableAsStmt:
			return ((const CreateTableAsStmt *) statement)->query;
		case T_ViewStmt:
			return ((const ViewStmt *) statement)->query;
		default:
			return NULL;
	}
}

/* Why a function cannot run a statement, as an error's detail; NULL: it can. */
static const char *
find_objection(const Node *statement)
{
	const Node *inner = inner_statement(statement);

	check_stack_depth();
	if (needs_no_transaction(statement))
		return "It cannot run in a transaction.";
	if (concerns_session(statement))
		return "It concerns the session, which the call does not keep.";
	switch (nodeTag(statement))
	{
		case T_TransactionStmt:
			return "It controls a transaction, and the call is in one already.";
		case T_CopyStmt:
			if (((const CopyStmt *) statement)->filename == NULL)
				return "It transfers data from or to a client, and a tool has no client.";
			break;
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			if (uses_cursor((Node *) statement, NULL))
				return "It uses a cursor of the session, which is not part of the call.";
			break;
		case T_VariableSetStmt:
		case T_ConstraintsSetStmt:
			return "It changes a setting, which ends with the call.";
		default:
			break;
	}
	return inner != NULL ? find_objection(inner) : NULL;
}

/*
 * Parse a text, which must be one statement of a kind that a function can run:
 * 22023 if it is not, or the parser's own error if it is not SQL.
 */
RawStmt *
statement_parse(const char *text)
{
	List *statements = parse(text);
	RawStmt *statement;
	const char *objection;

	if (list_length(statements) != 1)
		report_invalid("wfo_statement_refused", errmsg("run_sql runs exactly one statement"),
					   errdetail("The text has %d statements.", list_length(statements)),
					   errhint("Propose each statement as a call of its own."));
	statement = linitial_node(RawStmt, statements);
	objection = find_objection(statement->stmt);
	if (objection != NULL)
		report_invalid("wfo_statement_refused",
					   errmsg("run_sql does not run %s",
							  GetCommandTagName(CreateCommandTag(statement->stmt))),
					   errdetail("%s", objection),
					   errhint("Run it directly, as a role that is allowed to."));
	return statement;
}
