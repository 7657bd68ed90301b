/*
 * confine.c
 *	  Keeps a call in a session away from what the session has.
 *
 * It owns what a call in a session may not name or run.  What a rollback does not
 * undo is the business of irrevocable.c.
 *
 * The server always looks up a name that is in no schema of the tool's
 * search_path among the caller's temporary objects.  Triggers, defaults,
 * policies, rules and constraints of those would run as the tool's role.  So
 * queries that name such a relation are refused when they are analyzed, planned
 * and started.  Each of the three can come first, since plans and analyzed
 * queries outlive a call, and planning already runs functions.  Commands that
 * run code of a table without a query are checked one by one.  Types are the
 * other objects that are looked up there: a session that has created any runs
 * no tool.
 *
 * Functions of the server that reach other state of the session
 * (session_state.c) are refused when the executor is about to call them.
 *
 * In a worker there is no session of another user to protect.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "base/command_hook.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/function_hook.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "engine/running.h"
#include "engine/sandbox/confine.h"
#include "engine/sandbox/session_state.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

static post_parse_analyze_hook_type next_analyze = NULL;
static planner_hook_type next_planner = NULL;
static ExecutorCheckPerms_hook_type next_check_perms = NULL;

static void
check_relation(Oid relation)
{
	if (OidIsValid(relation) && isAnyTempNamespace(get_rel_namespace(relation)))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errreason("wfo_confined"),
						errmsg("temporary relation \"%s\" of the session cannot be used by a tool",
							   get_rel_name(relation)),
						errdetail("Code of its owner would run as the tool's role."),
						errhint(CONFINE_WORKER_HINT)));
}

/* Check the range table of a plan or a query.  An expanded view leaves its OID there. */
static void
check_range_table(const List *range_table)
{
	ListCell *cell;

	foreach (cell, range_table)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_RELATION || rte->rtekind == RTE_SUBQUERY)
			check_relation(rte->relid);
	}
}

/* Check a query and all queries in it. */
static bool
check_query(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		check_range_table(((Query *) node)->rtable);
		return query_tree_walker((Query *) node, check_query, context, 0);
	}
	return expression_tree_walker(node, check_query, context);
}

static void
analyze(ParseState *pstate, Query *query, JumbleState *jumble)
{
	if (next_analyze != NULL)
		next_analyze(pstate, query, jumble);
	if (running_is_in_session())
		(void) check_query((Node *) query, NULL);
}

static PlannedStmt *
plan(Query *query, const char *text, int options, ParamListInfo params)
{
	if (running_is_in_session())
		(void) check_query((Node *) query, NULL);
	return next_planner != NULL ? next_planner(query, text, options, params)
								: standard_planner(query, text, options, params);
}

static bool
COMPAT_CHECK_PERMS(check_perms)
{
	if (running_is_in_session())
		check_range_table(range_table);
	return next_check_perms == NULL || COMPAT_CHECK_PERMS_CALL(next_check_perms);
}

static void
check_name(const RangeVar *name)
{
	check_relation(RangeVarGetRelid(name, NoLock, true));
}

/* CREATE TABLE ... (LIKE ...) takes over defaults and constraints. */
static void
check_elements(const List *elements)
{
	ListCell *cell;

	foreach (cell, elements)
		if (IsA(lfirst(cell), TableLikeClause))
			check_name(lfirst_node(TableLikeClause, cell)->relation);
}

static void
refuse_prepared(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errreason("wfo_confined"),
			 errmsg("prepared statement \"%s\" of the session cannot be used by a tool", name),
			 errdetail("Only the caller can have prepared it."), errhint(CONFINE_WORKER_HINT)));
}

/* Refuse a command that would run what the caller has left in the session. */
static void
check_command(const Node *command)
{
	ListCell *cell;

	switch (nodeTag(command))
	{
		case T_ExecuteStmt:
			refuse_prepared(((const ExecuteStmt *) command)->name);
			break;
		case T_ExplainStmt:
			/* The explained statement has been analyzed, and is a Query unless it is a command. */
			command = ((const ExplainStmt *) command)->query;
			if (IsA(command, Query))
				command = ((const Query *) command)->utilityStmt;
			if (command != NULL)
				check_command(command);
			break;
		case T_CreateTableAsStmt:
			command = ((const CreateTableAsStmt *) command)->query;
			if (IsA(command, Query))
				command = ((const Query *) command)->utilityStmt;
			if (command != NULL)
				check_command(command);
			break;
		case T_TruncateStmt:
			foreach (cell, ((const TruncateStmt *) command)->relations)
				check_name(lfirst_node(RangeVar, cell));
			break;
		case T_CreateStmt:
			check_elements(((const CreateStmt *) command)->tableElts);
			break;
		case T_CreateForeignTableStmt:
			check_elements(((const CreateForeignTableStmt *) command)->base.tableElts);
			break;
		case T_AlterTableStmt:
			check_name(((const AlterTableStmt *) command)->relation);
			break;
		case T_CopyStmt:
			if (((const CopyStmt *) command)->relation != NULL)
				check_name(((const CopyStmt *) command)->relation);
			break;
		default:
			break;
	}
}

/* Ask about a command before it runs. */
static void
confine_command(const Node *command)
{
	if (running_is_in_session())
		check_command(command);
}

/* A call that is rolled back has advisory locks refused as irrevocable instead. */
static bool
is_refused(Oid function)
{
	return session_state_is_touched_by(function) ||
		   (session_state_is_advisory_lock(function) && !running_call_is_undone());
}

/* Ask about a function before it is called. */
static void
confine_function(Oid function)
{
	if (running_is_in_session() && is_refused(function))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errreason("wfo_confined"),
				 errmsg("function %s cannot be called by a tool in a session",
						format_procedure(function)),
				 errdetail("The function uses state that the session keeps beyond the call."),
				 errhint("Use pg_advisory_xact_lock, lo_get and lo_put. " CONFINE_WORKER_HINT)));
}

/*
 * Prepare to run a tool in this session, and refuse if the session has
 * temporary types: the CHECK of a domain would run as the tool's role where the
 * tool means, or makes, another type.
 */
void
confine_session(void)
{
	Oid schema;
	Oid toast_schema;
	Relation rel;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	Oid type = InvalidOid;

	function_hook_ask(confine_function);
	GetTempNamespaceState(&schema, &toast_schema);
	if (!OidIsValid(schema))
		return;
	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (!OidIsValid(type) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->classid == TypeRelationId)
			type = depend->objid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (OidIsValid(type))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errreason("wfo_confined"),
						errmsg("a tool cannot run in a session that has temporary types"),
						errdetail("Code of their owner could run as the tool's role."),
						errhint("Drop the types of pg_temp, or use enqueue_action or "
								"execute_parallel.")));
}

/* Called in every process that has loaded the library, preloaded or not. */
void
confine_define(void)
{
	next_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = analyze;
	next_planner = planner_hook;
	planner_hook = plan;
	next_check_perms = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_perms;
	command_hook_ask(confine_command);
}
