/*
 * changed_rows.c
 *	  Shows a reviewer the rows that a call has changed, before and after.
 *
 * It owns which tables are shown and how a row becomes JSON.  A preview shows
 * what the tool's role could read by itself at that moment, and nothing else: the
 * role holds SELECT on all columns, and no row security applies to it.  For a
 * partition the privileges on its table decide, through which the role could read
 * the rows.
 *
 * The output functions of the columns' types run as that role, in the sandbox,
 * read only and under the tool's timeout.  Finding the rows is the business of
 * row_version.c.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/names.h"
#include "base/settings.h"
#include "engine/tool/changed_rows.h"
#include "engine/tool/result.h"
#include "engine/tool/row_version.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"

/* Whether the current user could read all rows and columns of a table. */
static bool
user_reads_all(Oid table)
{
	Oid user = GetUserId();
	Oid schema = get_rel_namespace(table);

	return schema != extension_schema() &&
		   compat_schema_aclcheck(schema, user, ACL_USAGE) == ACLCHECK_OK &&
		   (pg_class_aclcheck(table, user, ACL_SELECT) == ACLCHECK_OK ||
			pg_attribute_aclcheck_all(table, user, ACL_SELECT, ACLMASK_ALL) == ACLCHECK_OK) &&
		   check_enable_rls(table, user, true) != RLS_ENABLED;
}

/* What turns the rows of a relation into JSON. */
typedef struct RowReader
{
	TupleDesc desc;
	Datum *values;
	bool *nulls;
	EState *estate;
	TupleTableSlot *slot; /* NULL: all columns are stored */
	ExprState **computed; /* by column; NULL: it is stored */
} RowReader;

static void
row_reader_init(RowReader *reader, Relation rel)
{
	int natts = RelationGetNumberOfAttributes(rel);

	reader->desc = RelationGetDescr(rel);
	reader->values = palloc(natts * sizeof(Datum));
	reader->nulls = palloc(natts * sizeof(bool));
	reader->computed = palloc0(natts * sizeof(ExprState *));
	reader->estate = CreateExecutorState();
	reader->slot = NULL;
	for (int i = 0; i < natts; i++)
	{
		Expr *expression = compat_virtual_column(rel, i);

		if (expression == NULL)
			continue;
		reader->computed[i] = ExecPrepareExpr(expression, reader->estate);
		if (reader->slot == NULL)
			reader->slot = ExecInitExtraTupleSlot(reader->estate, reader->desc, &TTSOpsHeapTuple);
	}
}

static void
row_reader_end(RowReader *reader)
{
	ExecResetTupleTable(reader->estate->es_tupleTable, false);
	FreeExecutorState(reader->estate);
}

/* Read a version's columns; one that was added after it was written has its default. */
static void
row_reader_read(RowReader *reader, HeapTuple version)
{
	ExprContext *econtext = GetPerTupleExprContext(reader->estate);

	heap_deform_tuple(version, reader->desc, reader->values, reader->nulls);
	if (reader->slot != NULL)
		econtext->ecxt_scantuple = ExecStoreHeapTuple(version, reader->slot, false);
	for (int i = 0; i < reader->desc->natts; i++)
	{
		if (TupleDescAttr(reader->desc, i)->attisdropped)
			reader->nulls[i] = true;
		else if (reader->computed[i] != NULL)
			reader->values[i] = ExecEvalExpr(reader->computed[i], econtext, &reader->nulls[i]);
	}
}

/* At least how many bytes the columns that were read take, without fetching what is toasted. */
static Size
row_reader_size(const RowReader *reader)
{
	Size size = 0;

	for (int i = 0; i < reader->desc->natts; i++)
		if (!reader->nulls[i] && TupleDescAttr(reader->desc, i)->attlen == -1)
			size += toast_raw_datum_size(reader->values[i]);
	return size;
}

/* What is to be shown of a table, and what of it is. */
typedef struct TableRows
{
	const List *parts;
	RowAllowance *allowance;
	bool shown;
	bool left_out; /* some of the changed rows */
	int64 count;
	JsonArray rows;
	Jsonb *result;
} TableRows;

/* Add a version of a row to its JSON: false if it is too large. */
static bool
add_version(JsonObject *row, const char *key, RowReader *reader, HeapTuple version, Size room)
{
	Jsonb *json = NULL;

	if (version != NULL)
	{
		row_reader_read(reader, version);
		if (row_reader_size(reader) > room)
			return false;
		json = json_from_datum(HeapTupleGetDatum(heap_form_tuple(reader->desc, reader->values,
																 reader->nulls)),
							   false, reader->desc->tdtypeid);
	}
	json_add_jsonb(row, key, json);
	return true;
}

/* A changed row as JSON, or NULL if it does not fit into the room. */
static Jsonb *
change_to_row(RowReader *reader, const RowChange *change, Size room)
{
	JsonObject object;
	Jsonb *row;

	json_object_begin(&object);
	if (!add_version(&object, "old", reader, change->old, room) ||
		!add_version(&object, "new", reader, change->new, room))
		return NULL;
	row = json_object_end(&object);
	return VARSIZE(row) <= room ? row : NULL;
}

/* Add the changed rows of a relation, a table or a partition, up to what is allowed. */
static void
add_relation(TableRows *rows, Relation rel)
{
	RowAllowance *allowance = rows->allowance;
	MemoryContext result = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(result, "changed row", ALLOCSET_DEFAULT_SIZES);
	RowScan *scan = row_scan_begin(rel, &allowance->by);
	RowReader reader;
	RowChange change;

	row_reader_init(&reader, rel);
	MemoryContextSwitchTo(scratch);
	while (!rows->left_out && row_scan_next(scan, &change))
	{
		Jsonb *row = rows->count < allowance->per_table
						 ? change_to_row(&reader, &change, allowance->room)
						 : NULL;

		MemoryContextSwitchTo(result);
		if (row == NULL)
			rows->left_out = true;
		else
		{
			json_array_add(&rows->rows, json_copy(row));
			allowance->room -= VARSIZE(row);
			rows->count++;
		}
		MemoryContextReset(scratch);
		ResetPerTupleExprContext(reader.estate);
		MemoryContextSwitchTo(scratch);
	}
	MemoryContextSwitchTo(result);
	MemoryContextDelete(scratch);
	row_reader_end(&reader);
	row_scan_end(scan);
}

/* Whether the changed relations of a table are of the kind and size that is read. */
static bool
are_readable(const List *rels, const SubtransactionMark *by)
{
	uint64 blocks = 0;
	ListCell *cell;

	foreach (cell, rels)
	{
		if (!row_scan_is_possible(lfirst(cell), by))
			return false;
		blocks += RelationGetNumberOfBlocks((Relation) lfirst(cell));
	}
	return blocks * (BLCKSZ / 1024) <= (uint64) setting_preview_scan_limit;
}

/* Collect the rows, read only; runs in a subtransaction, which restores that. */
static void
collect_rows(void *arg)
{
	TableRows *rows = arg;
	List *rels = NIL;
	ListCell *cell;

	XactReadOnly = true;
	foreach (cell, rows->parts)
		rels = lappend(rels, table_open(lfirst_oid(cell), AccessShareLock));
	rows->shown = are_readable(rels, &rows->allowance->by);
	json_array_begin(&rows->rows);
	foreach (cell, rels)
	{
		if (rows->shown)
			add_relation(rows, lfirst(cell));
		table_close(lfirst(cell), NoLock);
	}
	rows->result = json_array_end(&rows->rows);
}

/*
 * Add to the entry of a table the rows of its changed parts, which are itself or
 * its partitions: "rows" and, if that is not all of them, "rows_left_out"; or
 * "rows_shown" false.  Takes what they need from the allowance.
 *
 * An error of a type's output function is shown in their place, since it is not
 * the call's.  A cancel, a timeout and a conflict are raised.
 */
void
changed_rows_add(JsonObject *entry, Oid table, const List *parts, RowAllowance *allowance)
{
	TableRows rows = {.parts = parts, .allowance = allowance};
	Size room = allowance->room;
	ErrorData *error = NULL;

	if (user_reads_all(table))
		error = subtransaction_try(collect_rows, &rows);
	if (error != NULL && error_ends_statement(error))
		ReThrowError(error);
	if (error != NULL || !rows.shown)
	{
		allowance->room = room;
		json_add_bool(entry, "rows_shown", false);
		if (error != NULL)
			json_add_jsonb(entry, "rows_error", error_build(error));
		return;
	}
	json_add_jsonb(entry, "rows", rows.result);
	if (rows.left_out)
		json_add_bool(entry, "rows_left_out", true);
}
