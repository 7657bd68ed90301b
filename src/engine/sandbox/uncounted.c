/*
 * uncounted.c
 *	  Notes the tables that a call writes to without the server counting rows.
 *
 * It owns the list of those tables.  Reporting them is the business of
 * row_count.c and changes.c.
 *
 * These are foreign tables, tables of another access method than the server's
 * heap, and tables that another engine keeps behind a plan node of its own.
 * The server's counters do not know them, or need not, so a report that relied
 * on the counters alone would say that nothing has changed.
 *
 * A statement is checked when it ends, when the executor has opened all
 * relations that it wrote to, including partitions to which rows were routed.
 * COPY and TRUNCATE run no plan and are checked as commands.  Changes that an
 * inner rollback has undone stay noted.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/command_hook.h"
#include "base/compat.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "engine/running.h"
#include "engine/sandbox/uncounted.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static ExecutorEnd_hook_type next_end = NULL;

/* The tables noted since uncounted_begin(), in a context that lasts as long. */
static List *noted = NIL;
static MemoryContext noted_context = NULL;

static void
note(Oid relid)
{
	MemoryContext old;

	Assert(noted_context != NULL);
	old = MemoryContextSwitchTo(noted_context);
	noted = list_append_unique_oid(noted, relid);
	MemoryContextSwitchTo(old);
}

/* Note a relation that is written to, if its rows are not counted. */
static void
note_written(Oid relid, const FormData_pg_class *form)
{
	if (form->relkind == RELKIND_FOREIGN_TABLE ||
		(form->relkind == RELKIND_RELATION && form->relam != HEAP_TABLE_AM_OID))
		note(relid);
}

static void
note_results(List *result_relations)
{
	ListCell *cell;

	foreach (cell, result_relations)
	{
		Relation rel = ((ResultRelInfo *) lfirst(cell))->ri_RelationDesc;

		if (rel != NULL)
			note_written(RelationGetRelid(rel), rel->rd_rel);
	}
}

/*
 * Note what a statement writes to if its plan has no result relation: another
 * engine writes in a plan node of its own.
 */
static void
note_other_engine(const PlannedStmt *stmt)
{
	ListCell *cell;

	if ((stmt->commandType == CMD_SELECT && !stmt->hasModifyingCTE) || stmt->resultRelations != NIL)
		return;
	foreach (cell, compat_written_relations(stmt))
		note(lfirst_oid(cell));
}

static void
end_statement(QueryDesc *query)
{
	if (running_call() != NULL && query->estate != NULL &&
		(query->estate->es_top_eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
	{
		note_results(query->estate->es_opened_result_relations);
		note_results(query->estate->es_tuple_routing_result_relations);
		note_other_engine(query->plannedstmt);
	}
	if (next_end != NULL)
		next_end(query);
	else
		standard_ExecutorEnd(query);
}

/* Note a table, or its partitions, which a command writes to. */
static void
note_command_on(const RangeVar *name)
{
	Oid relid = RangeVarGetRelid(name, NoLock, true);
	ListCell *cell;

	if (!OidIsValid(relid))
		return;
	foreach (cell, find_all_inheritors(relid, NoLock, NULL))
	{
		HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(cell)));

		if (!HeapTupleIsValid(tuple))
			continue;
		note_written(lfirst_oid(cell), (Form_pg_class) GETSTRUCT(tuple));
		ReleaseSysCache(tuple);
	}
}

static void
note_command(const Node *command)
{
	ListCell *cell;

	if (IsA(command, CopyStmt))
	{
		const CopyStmt *copy = (const CopyStmt *) command;

		if (copy->is_from && copy->relation != NULL)
			note_command_on(copy->relation);
	}
	else if (IsA(command, TruncateStmt))
		foreach (cell, ((const TruncateStmt *) command)->relations)
			note_command_on(lfirst_node(RangeVar, cell));
}

/* Ask about a command before it runs. */
static void
note_command_of_call(const Node *command)
{
	if (running_call() != NULL)
		note_command(command);
}

/* Called in every process that has loaded the library, preloaded or not. */
void
uncounted_define(void)
{
	command_hook_ask(note_command_of_call);
}

/*
 * Start to note, in the current memory context, the tables that the next call
 * writes to.  The hook on the end of a statement is installed by the
 * first call of a process that needs it, and stays: taking it out would take
 * out the hook of a library that was loaded later.
 */
void
uncounted_begin(void)
{
	static bool installed = false;

	noted = NIL;
	noted_context = CurrentMemoryContext;
	if (installed)
		return;
	installed = true;
	next_end = ExecutorEnd_hook;
	ExecutorEnd_hook = end_statement;
}

/* The OIDs noted since uncounted_begin(). */
List *
uncounted_tables(void)
{
	return noted;
}
