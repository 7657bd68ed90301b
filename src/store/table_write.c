/*
 * table_write.c
 *	  Writes rows of the extension's tables.
 *
 * See table.h for why this goes below SQL.  Writes follow what the logical
 * replication worker does (src/backend/replication/logical/worker.c): an
 * executor state of one relation and ExecSimpleRelationInsert or -Update, with
 * the AFTER triggers fired at once.  While one of these writes is under way
 * store_is_writing() says so to the triggers, which refuse all other writes;
 * nothing in SQL can set that flag.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/enum.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "store/table.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

static bool writing = false;

bool
store_is_writing(void)
{
	return writing;
}

/* Rows to be written */

void
store_row_init(StoreRow *row, StoreTable table)
{
	row->table = table;
	memset(row->nulls, true, sizeof(row->nulls));
	memset(row->replaces, false, sizeof(row->replaces));
}

void
row_set(StoreRow *row, AttrNumber column, Datum value)
{
	Assert(column >= 1 && column <= store_table_columns(row->table));
	row->values[column - 1] = value;
	row->nulls[column - 1] = false;
	row->replaces[column - 1] = true;
}

void
row_set_null(StoreRow *row, AttrNumber column)
{
	row->nulls[column - 1] = true;
	row->replaces[column - 1] = true;
}

void
row_set_int64(StoreRow *row, AttrNumber column, int64 value)
{
	row_set(row, column, Int64GetDatum(value));
}

/* An id that may be missing. */
void
row_set_id(StoreRow *row, AttrNumber column, const int64 *id)
{
	if (id == NULL)
		row_set_null(row, column);
	else
		row_set_int64(row, column, *id);
}

void
row_set_bool(StoreRow *row, AttrNumber column, bool value)
{
	row_set(row, column, BoolGetDatum(value));
}

/* A time; zero stands for none. */
void
row_set_time(StoreRow *row, AttrNumber column, TimestampTz value)
{
	if (value == 0)
		row_set_null(row, column);
	else
		row_set(row, column, TimestampTzGetDatum(value));
}

void
row_set_text(StoreRow *row, AttrNumber column, const char *value)
{
	if (value == NULL)
		row_set_null(row, column);
	else
		row_set(row, column, CStringGetTextDatum(value));
}

void
row_set_name(StoreRow *row, AttrNumber column, const char *value)
{
	if (value == NULL)
		row_set_null(row, column);
	else
		row_set(row, column, DirectFunctionCall1(namein, CStringGetDatum(value)));
}

/* A jsonb, bytea or interval. */
void
row_set_pointer(StoreRow *row, AttrNumber column, const void *value)
{
	if (value == NULL)
		row_set_null(row, column);
	else
		row_set(row, column, PointerGetDatum(value));
}

void
row_set_enum(StoreRow *row, AttrNumber column, const EnumType *type, int value)
{
	row_set(row, column, enum_to_datum(type, value));
}

/* Writes */

typedef struct Writer
{
	Relation rel;
	EState *estate;
	ResultRelInfo *result_rel;
	bool outer_writing;
} Writer;

static void
writer_begin(Writer *writer, StoreTable table)
{
	EState *estate;

	writer->rel = store_open(table, RowExclusiveLock);
	writer->estate = estate = CreateExecutorState();
	compat_init_range_table(estate, writer->rel);
	writer->result_rel = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->result_rel, writer->rel, 1, NULL, 0);
	estate->es_output_cid = GetCurrentCommandId(true);
	estate->es_snapshot = GetActiveSnapshot();
	ExecOpenIndices(writer->result_rel, false);
	AfterTriggerBeginQuery();
	writer->outer_writing = writing;
	writing = true;
}

static void
writer_end(Writer *writer)
{
	AfterTriggerEndQuery(writer->estate);
	writing = writer->outer_writing;
	ExecCloseIndices(writer->result_rel);
	ExecResetTupleTable(writer->estate->es_tupleTable, false);
	ExecCloseResultRelations(writer->estate);
	FreeExecutorState(writer->estate);
	table_close(writer->rel, NoLock);
	CommandCounterIncrement();
}

/* Insert the row, check its constraints and fire its triggers. */
void
store_insert(StoreRow *row)
{
	Writer writer;

	writer_begin(&writer, row->table);
	PG_TRY();
	{
		TupleTableSlot *slot = ExecInitExtraTupleSlot(writer.estate, RelationGetDescr(writer.rel),
													  table_slot_callbacks(writer.rel));

		ExecClearTuple(slot);
		memcpy(slot->tts_values, row->values, store_table_columns(row->table) * sizeof(Datum));
		memcpy(slot->tts_isnull, row->nulls, store_table_columns(row->table) * sizeof(bool));
		ExecStoreVirtualTuple(slot);
		ExecSimpleRelationInsert(writer.result_rel, writer.estate, slot);
		writer_end(&writer);
	}
	PG_CATCH();
	{
		writing = writer.outer_writing;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * Write the columns of the row that were set over those of old, which is the
 * latest version of a row that the transaction has locked.  old's place is set
 * to that of the new version.
 */
void
store_update(StoreRow *row, StoredRow *old)
{
	Writer writer;

	writer_begin(&writer, row->table);
	PG_TRY();
	{
		TupleDesc desc = RelationGetDescr(writer.rel);
		TupleTableSlot *search = ExecInitExtraTupleSlot(writer.estate, desc, &TTSOpsHeapTuple);
		TupleTableSlot *slot = ExecInitExtraTupleSlot(writer.estate, desc, &TTSOpsHeapTuple);
		EPQState epqstate;

		compat_init_eval_plan_qual(&epqstate, writer.estate);
		ExecStoreHeapTuple(old->tuple, search, false);
		search->tts_tid = old->tuple->t_self;
		ExecStoreHeapTuple(heap_modify_tuple(old->tuple, desc, row->values, row->nulls,
											 row->replaces),
						   slot, false);
		ExecSimpleRelationUpdate(writer.result_rel, writer.estate, &epqstate, search, slot);
		old->tuple->t_self = slot->tts_tid;
		EvalPlanQualEnd(&epqstate);
		writer_end(&writer);
	}
	PG_CATCH();
	{
		writing = writer.outer_writing;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Delete a row, which the transaction has locked or whose owner it has. */
void
store_delete(StoreTable table, StoredRow *old)
{
	Writer writer;

	writer_begin(&writer, table);
	PG_TRY();
	{
		TupleTableSlot *search = ExecInitExtraTupleSlot(writer.estate, RelationGetDescr(writer.rel),
														&TTSOpsHeapTuple);
		EPQState epqstate;

		compat_init_eval_plan_qual(&epqstate, writer.estate);
		ExecStoreHeapTuple(old->tuple, search, false);
		search->tts_tid = old->tuple->t_self;
		ExecSimpleRelationDelete(writer.result_rel, writer.estate, &epqstate, search);
		EvalPlanQualEnd(&epqstate);
		writer_end(&writer);
	}
	PG_CATCH();
	{
		writing = writer.outer_writing;
		PG_RE_THROW();
	}
	PG_END_TRY();
}
