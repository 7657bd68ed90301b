/*
 * table_write.c
 *	  Writes rows of the extension's tables.
 *
 * See table.h for why this goes below SQL.  Owns store_is_writing(); it does not
 * know which writes are legal, which is the guard's business.  Writes follow
 * what the logical replication worker does (src/backend/replication/logical/worker.c): an
 * executor state of one relation and ExecSimpleRelationInsert or -Update, with
 * the AFTER triggers fired at once.  While one of these writes is under way
 * store_is_writing() says so to the triggers, which refuse all other writes;
 * nothing in SQL can set that flag.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/enum.h"
#include "base/errors.h"
#include "base/names.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "rewrite/rewriteHandler.h"
#include "store/table.h"
#include "store/write_target.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

static bool writing = false;

/* Whether that write redacts a row. */
static bool redacting = false;

/* The row of the write that is under way; NULL: none, or it deletes. */
static const StoreRow *written = NULL;

bool
store_is_writing(void)
{
	return writing;
}

/* Whether the write under way is one of store_redact(). */
bool
store_is_redacting(void)
{
	return writing && redacting;
}

/*
 * The value that the write under way sets a column to, as the writer has it in
 * memory: not toasted, and so without the cost of reading it back.  A trigger of
 * that write calls this; the column is one that is set and not null.
 */
void *
store_written(AttrNumber column)
{
	Assert(writing && written != NULL);
	Assert(column >= 1 && column <= store_table_columns(written->table));
	Assert(written->replaces[column - 1] && !written->nulls[column - 1]);
	return DatumGetPointer(written->values[column - 1]);
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
	Assert(column >= 1 && column <= store_table_columns(row->table));
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

/* An array of texts; an empty list is NULL. */
void
row_set_texts(StoreRow *row, AttrNumber column, const List *values)
{
	int count = list_length(values);
	Datum *elements = palloc(sizeof(Datum) * Max(count, 1));

	if (count == 0)
	{
		row_set_null(row, column);
		return;
	}
	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum((char *) list_nth(values, i));
	row_set(row, column,
			PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* An array of ids, which may be empty; the list has pointers to them. */
void
row_set_ids(StoreRow *row, AttrNumber column, const List *ids)
{
	int count = list_length(ids);
	Datum *elements = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		elements[i] = Int64GetDatum(*(const int64 *) list_nth(ids, i));
	row_set(row, column,
			PointerGetDatum(construct_array(elements, count, INT8OID, sizeof(int64),
											FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
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
	WriteTarget *target;
	Relation rel;   /* of the target */
	EState *estate; /* the same */
	StoreRow *row;  /* to insert or to lay over old; NULL: delete old */
	StoredRow *old; /* NULL: insert row */
	bool redacts;
	bool outer_writing;
	bool outer_redacting;
	const StoreRow *outer_written;
} Writer;

/* What one write does between writer_begin() and writer_end(). */
typedef void (*WriteStep)(Writer *writer);

/*
 * Whether a unique or exclusion constraint that somebody has added is checked later
 * than the write.  The executor notes what to check, if it makes the index entries.
 */
static bool
has_deferrable_key(Relation rel)
{
	const TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgfoid == F_UNIQUE_KEY_RECHECK)
			return true;
	return false;
}

static void
writer_begin(Writer *writer, StoreTable table)
{
	WriteTarget *target;

	Assert(!IsInParallelMode());
	Assert(ActiveSnapshotSet());
	writer->target = target = write_target_take(table);
	writer->rel = target->rel;
	writer->estate = target->estate;
	target->estate->es_output_cid = GetCurrentCommandId(true);
	target->estate->es_snapshot = GetActiveSnapshot();
	if (writer->old == NULL || has_deferrable_key(target->rel))
		write_target_open_indexes(target);
	AfterTriggerBeginQuery();
	writer->outer_writing = writing;
	writer->outer_redacting = redacting;
	redacting = writer->redacts;
	writer->outer_written = written;
	written = writer->row;
}

static void
writer_end(Writer *writer)
{
	AfterTriggerEndQuery(writer->estate);
	writing = writer->outer_writing;
	write_target_release(writer->target);
	CommandCounterIncrement();
}

/*
 * Write one row of a table.  Whether the write succeeds or not, it leaves
 * store_is_writing() as it was.
 */
static void
write_one_row(Writer *writer, StoreTable table, WriteStep step)
{
	writer_begin(writer, table);
	PG_TRY();
	{
		step(writer);
		writer_end(writer);
	}
	PG_FINALLY();
	{
		writing = writer->outer_writing;
		redacting = writer->outer_redacting;
		written = writer->outer_written;
	}
	PG_END_TRY();
}

/*
 * Fill the columns that somebody has added to the table with their default, or
 * with null if they have none.
 */
static void
fill_added(Writer *writer, TupleTableSlot *slot, int known)
{
	TupleDesc desc = RelationGetDescr(writer->rel);

	for (int i = known; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Node *value = NULL;

		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = true;
		if (attribute->attisdropped || attribute->attgenerated != '\0')
			continue;
		value = build_column_default(writer->rel, i + 1);
		if (value != NULL)
			slot->tts_values[i] = ExecEvalExpr(ExecPrepareExpr((Expr *) value, writer->estate),
											   GetPerTupleExprContext(writer->estate),
											   &slot->tts_isnull[i]);
		if (slot->tts_isnull[i] && attribute->attnotnull)
			report_wrong_state("wfo_version_mismatch",
							   errmsg("column \"%s\" of table \"%s.%s\" needs a value and has no "
									  "default",
									  NameStr(attribute->attname), WFO_SCHEMA,
									  RelationGetRelationName(writer->rel)),
							   errdetail("The extension does not know the column."),
							   errhint("Allow nulls in the column, or give it a default."));
	}
}

static void
insert_step(Writer *writer)
{
	TupleTableSlot *slot = writer->target->slot;
	int columns = store_table_columns(writer->row->table);

	ExecClearTuple(slot);
	memcpy(slot->tts_values, writer->row->values, columns * sizeof(Datum));
	memcpy(slot->tts_isnull, writer->row->nulls, columns * sizeof(bool));
	writing = false;
	fill_added(writer, slot, columns);
	writing = true;
	ExecStoreVirtualTuple(slot);
	ExecSimpleRelationInsert(writer->target->result_rel, writer->estate, slot);
}

/*
 * Insert the row, check its constraints and fire its triggers.  A default that
 * somebody has added is not the extension's code, so it is evaluated while
 * store_is_writing() is false.
 */
void
store_insert(StoreRow *row)
{
	Writer writer = {.row = row};

	write_one_row(&writer, row->table, insert_step);
}

/*
 * Lock the latest version of a row that is to be changed: what the transaction
 * has read may be an earlier one, where it holds no lock on the row and somebody
 * wrote past the calls.  Without the lock the executor would recheck a changed row
 * against a plan, and there is none.  Returns NULL if the row is gone.
 */
static TupleTableSlot *
lock_latest(Writer *writer, LockTupleMode mode)
{
	TupleTableSlot *slot = writer->target->latest;

	if (store_lock_tuple(writer->rel, &writer->old->tuple->t_self, writer->estate->es_snapshot,
						 mode, LockWaitBlock, slot) != STORE_LOCKED)
		return NULL;
	return slot;
}

/* Return the latest version with the columns that are set in the row. */
static TupleTableSlot *
overlay(Writer *writer, TupleTableSlot *latest, const StoreRow *row)
{
	TupleDesc desc = RelationGetDescr(writer->rel);
	TupleTableSlot *slot = writer->target->slot;
	int columns = store_table_columns(row->table);

	slot_getallattrs(latest);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, latest->tts_values, desc->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, latest->tts_isnull, desc->natts * sizeof(bool));
	for (int i = 0; i < columns; i++)
	{
		if (!row->replaces[i])
			continue;
		slot->tts_values[i] = row->values[i];
		slot->tts_isnull[i] = row->nulls[i];
	}
	return ExecStoreVirtualTuple(slot);
}

/*
 * Give the new version of a row its index entries, unless the executor has made them.
 * Most new versions need none, because no key changes and they stand on the page of
 * the old version; then no index is opened.
 */
static void
index_new_version(Writer *writer, TupleTableSlot *slot)
{
	bool heap_only = HeapTupleIsHeapOnly(ExecFetchSlotHeapTuple(slot, false, NULL));

	ResultRelInfo *result_rel = writer->target->result_rel;

	if (result_rel->ri_NumIndices > 0 || (heap_only && !compat_summarizes_updates(writer->rel)))
		return;
	write_target_open_indexes(writer->target);
	if (result_rel->ri_NumIndices > 0)
		compat_insert_update_entries(result_rel, slot, writer->estate, heap_only);
}

static void
update_step(Writer *writer)
{
	TupleTableSlot *latest = lock_latest(writer, LockTupleNoKeyExclusive);
	TupleTableSlot *slot;
	EPQState epqstate;

	if (latest == NULL)
		report_wrong_state("wfo_row_gone",
						   errmsg("a row of table \"%s.%s\" was concurrently deleted", WFO_SCHEMA,
								  store_table_name(writer->row->table)),
						   errhint("Enable the trigger guard_row of the table with ENABLE "
								   "ALWAYS. It prevents this."));
	slot = overlay(writer, latest, writer->row);
	writing = true;
	compat_init_eval_plan_qual(&epqstate, writer->estate);
	ExecSimpleRelationUpdate(writer->target->result_rel, writer->estate, &epqstate, latest, slot);
	/* It has no place where a trigger that somebody has added kept it out. */
	if (ItemPointerIsValid(&slot->tts_tid))
	{
		index_new_version(writer, slot);
		writer->old->tuple->t_self = slot->tts_tid;
	}
	EvalPlanQualEnd(&epqstate);
}

/*
 * Write the columns that were set in the row over the latest version of old,
 * and set old's place to that of the new version.  Waits for a transaction that
 * is changing the row, unless this transaction has locked it.
 */
void
store_update(StoreRow *row, StoredRow *old)
{
	Writer writer = {.row = row, .old = old};

	Assert(HeapTupleIsValid(old->tuple));

	write_one_row(&writer, row->table, update_step);
}

/*
 * The same for a redaction, which may change rows that never change otherwise: the
 * columns that the table's descriptor names as personal or identifying.  No audit
 * row is written.
 */
void
store_redact(StoreRow *row, StoredRow *old)
{
	Writer writer = {.row = row, .old = old, .redacts = true};

	Assert(store_table_info(row->table)->personal != NULL ||
		   store_table_info(row->table)->identifying != NULL);
	Assert(HeapTupleIsValid(old->tuple));

	write_one_row(&writer, row->table, update_step);
}

static void
delete_step(Writer *writer)
{
	TupleTableSlot *latest = lock_latest(writer, LockTupleExclusive);
	EPQState epqstate;

	if (latest == NULL)
		return;
	writing = true;
	compat_init_eval_plan_qual(&epqstate, writer->estate);
	ExecSimpleRelationDelete(writer->target->result_rel, writer->estate, &epqstate, latest);
	EvalPlanQualEnd(&epqstate);
}

/* Whether the extension deletes rows of a table. */
bool
store_deletes_from(const StoreTableInfo *table)
{
	return table->deletes || table->purged_by != 0;
}

/* Delete a row, whatever its latest version holds, unless it is already gone. */
void
store_delete(StoreTable table, StoredRow *old)
{
	Writer writer = {.old = old};

	Assert(store_deletes_from(store_table_info(table)));
	Assert(HeapTupleIsValid(old->tuple));

	write_one_row(&writer, table, delete_step);
}
