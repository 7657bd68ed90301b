/*
 * table.c
 *	  Reads and writes rows of the extension's tables.
 *
 * See table.h for why this goes below SQL.  Writes follow what the logical
 * replication worker does (src/backend/replication/logical/worker.c): an
 * executor state of one relation and ExecSimpleRelationInsert or -Update, with
 * the AFTER triggers fired at once.  While one of these writes is under way
 * store_is_writing() says so to the triggers, which refuse all other writes;
 * nothing in SQL can set that flag.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/cache.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/names.h"
#include "catalog/namespace.h"
#include "commands/extension.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "store/actor.h"
#include "store/audit_log.h"
#include "store/break_glass.h"
#include "store/comment.h"
#include "store/delegation.h"
#include "store/execution.h"
#include "store/freeze.h"
#include "store/policy.h"
#include "store/preview.h"
#include "store/proposal.h"
#include "store/queue.h"
#include "store/review.h"
#include "store/revision.h"
#include "store/revocation.h"
#include "store/rule.h"
#include "store/table.h"
#include "store/tool.h"
#include "store/tool_definition.h"
#include "store/workflow.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

static const struct
{
	const char *name;
	const char *id_sequence;
	int columns;
} tables[STORE_TABLE_COUNT] = {
	[STORE_ACTOR] = {"actor", "actor_actor_id_seq", ACTOR_COLUMNS},
	[STORE_WORKFLOW] = {"workflow", "workflow_workflow_id_seq", WORKFLOW_COLUMNS},
	[STORE_TOOL] = {"tool", NULL, TOOL_COLUMNS},
	[STORE_TOOL_DEFINITION] = {"tool_definition", NULL, TOOL_DEFINITION_COLUMNS},
	[STORE_POLICY] = {"policy", NULL, POLICY_COLUMNS},
	[STORE_FREEZE] = {"freeze_window", "freeze_window_freeze_id_seq", FREEZE_COLUMNS},
	[STORE_APPROVAL_RULE] = {"approval_rule", "approval_rule_rule_id_seq", RULE_COLUMNS},
	[STORE_DELEGATION] = {"delegation", "delegation_delegation_id_seq", DELEGATION_COLUMNS},
	[STORE_PROPOSAL] = {"proposal", "proposal_proposal_id_seq", PROPOSAL_COLUMNS},
	[STORE_PROPOSAL_REVISION] = {"proposal_revision", NULL, REVISION_COLUMNS},
	[STORE_PROPOSAL_COMMENT] = {"proposal_comment", "proposal_comment_comment_id_seq",
								COMMENT_COLUMNS},
	[STORE_PREVIEW] = {"preview", "preview_preview_id_seq", PREVIEW_COLUMNS},
	[STORE_REVIEW] = {"review", "review_review_id_seq", REVIEW_COLUMNS},
	[STORE_REVOCATION] = {"revocation", NULL, REVOCATION_COLUMNS},
	[STORE_EXECUTION] = {"execution", "execution_execution_id_seq", EXECUTION_COLUMNS},
	[STORE_QUEUE] = {"queue", NULL, QUEUE_COLUMNS},
	[STORE_BREAK_GLASS] = {"break_glass", NULL, BREAK_GLASS_COLUMNS},
	[STORE_AUDIT_LOG] = {"audit_log", "audit_log_audit_id_seq", AUDIT_COLUMNS},
};

static bool writing = false;

bool
store_is_writing(void)
{
	return writing;
}

const char *
store_table_name(StoreTable table)
{
	return tables[table].name;
}

int
store_table_columns(StoreTable table)
{
	return tables[table].columns;
}

bool
store_table_parse(const char *name, StoreTable *table)
{
	for (int i = 0; i < STORE_TABLE_COUNT; i++)
	{
		if (strcmp(tables[i].name, name) == 0)
		{
			*table = (StoreTable) i;
			return true;
		}
	}
	return false;
}

static Oid
store_relid(const char *name)
{
	Oid relid = get_relname_relid(name, extension_schema());

	if (!OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errreason("wfo_version_mismatch"),
						errmsg("relation \"%s.%s\" does not exist", WFO_SCHEMA, name),
						errhint("Create the extension again, or update it with ALTER EXTENSION %s "
								"UPDATE.",
								WFO_NAME)));
	return relid;
}

static int
count_columns(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int count = 0;

	if (HeapTupleIsValid(tuple))
	{
		count = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
		ReleaseSysCache(tuple);
	}
	return count;
}

static bool
find_tables(void)
{
	Oid schema = get_namespace_oid(WFO_SCHEMA, true);

	if (!OidIsValid(schema) || !OidIsValid(get_extension_oid(WFO_NAME, true)))
		return false;
	for (int i = 0; i < STORE_TABLE_COUNT; i++)
	{
		Oid relid = get_relname_relid(tables[i].name, schema);

		if (!OidIsValid(relid) || count_columns(relid) != tables[i].columns)
			return false;
	}
	return true;
}

/*
 * Whether the extension is there, in the version of the library.  A worker asks
 * before each call, so that it is there is cached; it goes with its tables.
 */
bool
store_exists(void)
{
	static const int caches[] = {NAMESPACEOID, RELOID};
	static const char key[] = WFO_NAME;
	static Cache *found = NULL;
	MemoryContext memory;

	if (found == NULL)
	{
		found = cache_create("extension");
		cache_depend_on_catalogs(found, caches, lengthof(caches));
	}
	if (cache_get(found, key, sizeof(key)) != NULL)
		return true;
	memory = cache_begin_value();
	if (!find_tables())
	{
		MemoryContextDelete(memory);
		return false;
	}
	cache_put(found, key, sizeof(key), memory, memory);
	return true;
}

/*
 * Open a table.  The lock is kept to the end of the transaction by closing
 * with NoLock, so that the table cannot change shape under the call.
 */
Relation
store_open(StoreTable table, LOCKMODE lockmode)
{
	Relation rel = table_open(store_relid(tables[table].name), lockmode);

	if (RelationGetDescr(rel)->natts != tables[table].columns)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errreason("wfo_version_mismatch"),
						errmsg("table \"%s.%s\" is not of the version of the library", WFO_SCHEMA,
							   tables[table].name),
						errhint("Run ALTER EXTENSION %s UPDATE.", WFO_NAME)));
	return rel;
}

/* Who owns the tables, and so the extension. */
Oid
store_owner(void)
{
	Oid relid = store_relid(tables[STORE_POLICY].name);
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Scans */

void
store_key_int64(ScanKey key, AttrNumber column, int64 value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(value));
}

/* The text columns that are keys have the collation "C", as ScanKeyInit does. */
void
store_key_text(ScanKey key, AttrNumber column, const char *value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
}

void
store_key_name(ScanKey key, AttrNumber column, const char *value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(value));
}

void
store_key_bytea(ScanKey key, AttrNumber column, Datum value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_BYTEAEQ, value);
}

void
store_scan_begin(StoreScan *scan, StoreTable table, const char *index, int nkeys, ScanKey keys)
{
	scan->rel = store_open(table, AccessShareLock);
	scan->snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan->desc = systable_beginscan(scan->rel, index != NULL ? store_relid(index) : InvalidOid,
									index != NULL, scan->snapshot, nkeys, keys);
}

void
stored_row_init(StoredRow *row, HeapTuple tuple, TupleDesc desc)
{
	if (desc->natts > STORE_MAX_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errreason("wfo_version_mismatch"),
				 errmsg("a table of the extension has columns added to it"),
				 errdetail("It has %d columns.", desc->natts), errhint("Drop the added columns.")));
	row->tuple = tuple;
	row->desc = desc;
	heap_deform_tuple(tuple, desc, row->values, row->nulls);
}

/* A copy of a row in the current memory context. */
static StoredRow *
stored_row_make(HeapTuple tuple, TupleDesc desc)
{
	StoredRow *row = palloc(sizeof(StoredRow));

	stored_row_init(row, heap_copytuple(tuple), desc);
	row->desc = NULL;
	return row;
}

/* The next row, good until the next call; NULL after the last. */
StoredRow *
store_scan_next(StoreScan *scan)
{
	HeapTuple tuple = systable_getnext(scan->desc);

	if (tuple == NULL)
		return NULL;
	stored_row_init(&scan->row, tuple, RelationGetDescr(scan->rel));
	return &scan->row;
}

void
store_scan_end(StoreScan *scan)
{
	systable_endscan(scan->desc);
	UnregisterSnapshot(scan->snapshot);
	table_close(scan->rel, NoLock);
}

/*
 * Read the one row with these keys, or NULL.  The row is a copy in the current
 * memory context.
 */
StoredRow *
store_fetch(StoreTable table, const char *index, int nkeys, ScanKey keys)
{
	StoreScan scan;
	HeapTuple tuple;
	StoredRow *row = NULL;

	store_scan_begin(&scan, table, index, nkeys, keys);
	tuple = systable_getnext(scan.desc);
	if (tuple != NULL)
		row = stored_row_make(tuple, RelationGetDescr(scan.rel));
	store_scan_end(&scan);
	return row;
}

/*
 * What fetch(key) makes of a row, from the backend's cache if it is there; NULL
 * where there is none.  Good to the end of the transaction.
 */
void *
store_cached(StoreTable table, const void *key, Size length, StoreFetch fetch)
{
	static Cache *caches[STORE_TABLE_COUNT];
	Cache *cache = caches[table];
	void *value;
	MemoryContext memory;
	MemoryContext old;

	if (cache == NULL)
		cache = caches[table] = cache_create(tables[table].name);
	value = cache_get(cache, key, length);
	if (value != NULL)
		return value;

	cache_depend_on_table(cache, store_relid(tables[table].name));
	memory = cache_begin_value();
	old = MemoryContextSwitchTo(memory);
	value = fetch(key);
	MemoryContextSwitchTo(old);
	if (value == NULL)
		MemoryContextDelete(memory);
	else
		cache_put(cache, key, length, value, memory);
	return value;
}

/*
 * Lock the row with this key FOR NO KEY UPDATE, and read its latest version.
 *
 * The lock lasts to the end of the transaction.  FOR UPDATE would block
 * foreign keys that refer to the row.
 */
StoreLock
store_lock_row(StoreTable table, const char *index, ScanKey key, bool wait, StoredRow **row)
{
	StoreScan scan;
	HeapTuple found;
	HeapTuple tuple;
	TupleTableSlot *slot;
	TM_FailureData tmfd;
	TM_Result result;
	StoreLock outcome = STORE_GONE;

	store_scan_begin(&scan, table, index, 1, key);
	found = systable_getnext(scan.desc);
	if (found != NULL)
	{
		slot = table_slot_create(scan.rel, NULL);
		result = table_tuple_lock(scan.rel, &found->t_self, scan.snapshot, slot,
								  GetCurrentCommandId(false), LockTupleNoKeyExclusive,
								  wait ? LockWaitBlock : LockWaitSkip,
								  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &tmfd);
		switch (result)
		{
			case TM_Ok:
				tuple = ExecFetchSlotHeapTuple(slot, false, NULL);
				tuple->t_self = slot->tts_tid;
				*row = stored_row_make(tuple, RelationGetDescr(scan.rel));
				outcome = STORE_LOCKED;
				break;
			case TM_WouldBlock:
				outcome = STORE_BUSY;
				break;
			case TM_Deleted:
				break;
			default:
				elog(ERROR, "could not lock row in table \"%s\": result %d", tables[table].name,
					 result);
		}
		ExecDropSingleTupleTableSlot(slot);
	}
	store_scan_end(&scan);
	return outcome;
}

/*
 * Lock something that is no row, to the end of the transaction.
 *
 * These are advisory locks in a class of their own: the fourth field of the
 * tag is 1 or 2 in those that SQL can take.  Unlike row locks they cost no
 * write where many sessions share one.
 */
static void
lock_tag(StoreLockSpace space, uint64 id, bool exclusive)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (id >> 32), (uint32) id, 0x5700 + space);
	(void) LockAcquire(&tag, exclusive ? ExclusiveLock : ShareLock, false, false);
}

void
store_lock_id(StoreLockSpace space, int64 id, bool exclusive)
{
	lock_tag(space, (uint64) id, exclusive);
}

void
store_lock_text(StoreLockSpace space, int64 id, const char *text)
{
	lock_tag(space, hash_bytes_extended((const unsigned char *) text, strlen(text), (uint64) id),
			 true);
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
	Assert(column >= 1 && column <= tables[row->table].columns);
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
		memcpy(slot->tts_values, row->values, tables[row->table].columns * sizeof(Datum));
		memcpy(slot->tts_isnull, row->nulls, tables[row->table].columns * sizeof(bool));
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

/* The next value of the table's identity column. */
int64
store_next_id(StoreTable table)
{
	return nextval_internal(store_relid(tables[table].id_sequence), false);
}

/* Columns of a row that was read */

bool
column_is_null(const StoredRow *row, AttrNumber column)
{
	return row->nulls[column - 1];
}

/* Whether two rows of a table have the same stored value in a column. */
bool
column_is_same(const StoredRow *a, const StoredRow *b, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(a->desc, column - 1);

	if (a->nulls[column - 1] || b->nulls[column - 1])
		return a->nulls[column - 1] == b->nulls[column - 1];
	return datum_image_eq(a->values[column - 1], b->values[column - 1], attribute->attbyval,
						  attribute->attlen);
}

Datum
column_datum(const StoredRow *row, AttrNumber column)
{
	if (row->nulls[column - 1])
		elog(ERROR, "column %d is null", column);
	return row->values[column - 1];
}

int64
column_int64(const StoredRow *row, AttrNumber column)
{
	return DatumGetInt64(column_datum(row, column));
}

int64 *
column_int64_or_null(const StoredRow *row, AttrNumber column)
{
	int64 *value;

	if (column_is_null(row, column))
		return NULL;
	value = palloc(sizeof(int64));
	*value = column_int64(row, column);
	return value;
}

bool
column_bool(const StoredRow *row, AttrNumber column)
{
	return DatumGetBool(column_datum(row, column));
}

Oid
column_oid(const StoredRow *row, AttrNumber column)
{
	return DatumGetObjectId(column_datum(row, column));
}

/* A text, or NULL. */
char *
column_text(const StoredRow *row, AttrNumber column)
{
	if (column_is_null(row, column))
		return NULL;
	return TextDatumGetCString(column_datum(row, column));
}

/* A name, or NULL. */
char *
column_name(const StoredRow *row, AttrNumber column)
{
	if (column_is_null(row, column))
		return NULL;
	return pstrdup(NameStr(*DatumGetName(column_datum(row, column))));
}

/* A jsonb or bytea, detoasted, or NULL. */
void *
column_varlena(const StoredRow *row, AttrNumber column)
{
	if (column_is_null(row, column))
		return NULL;
	return PG_DETOAST_DATUM_COPY(column_datum(row, column));
}

Interval *
column_interval(const StoredRow *row, AttrNumber column)
{
	Interval *value;

	if (column_is_null(row, column))
		return NULL;
	value = palloc(sizeof(Interval));
	*value = *DatumGetIntervalP(column_datum(row, column));
	return value;
}

int
column_enum(const StoredRow *row, AttrNumber column, const EnumType *type)
{
	return enum_from_datum(type, column_datum(row, column));
}
