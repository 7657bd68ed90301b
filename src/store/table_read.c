/*
 * table_read.c
 *	  Scans the extension's tables, locks rows, and caches what is read often.
 *
 * See table.h for why this goes below SQL.  Owns which version of a row is seen:
 * every scan takes the latest snapshot, unless store_read_as_of() says otherwise,
 * and locking a row reads its latest version.  It does not write, and does not
 * know what a row means.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/cache.h"
#include "base/compat.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "store/lock.h"
#include "store/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* What all scans see, or NULL: each sees what was committed when it began. */
static Snapshot reading_as_of = NULL;

void
store_key_int64(ScanKey key, AttrNumber column, int64 value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(value));
}

void
store_key_bool(ScanKey key, AttrNumber column, bool value)
{
	ScanKeyInit(key, column, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(value));
}

/* The one expression of an index, an integer; its attribute number and subtype are 0. */
void
store_key_expression(ScanKey key, int32 value)
{
	ScanKeyEntryInitialize(key, 0, InvalidAttrNumber, BTEqualStrategyNumber, InvalidOid, InvalidOid,
						   F_INT4EQ, Int32GetDatum(value));
}

/* Values above this one. */
void
store_key_int64_after(ScanKey key, AttrNumber column, int64 value)
{
	ScanKeyInit(key, column, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(value));
}

/* Values up to this one. */
void
store_key_int64_upto(ScanKey key, AttrNumber column, int64 value)
{
	ScanKeyInit(key, column, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(value));
}

/* Times before this one. */
void
store_key_time_before(ScanKey key, AttrNumber column, TimestampTz value)
{
	ScanKeyInit(key, column, BTLessStrategyNumber, F_TIMESTAMPTZ_LT, TimestampTzGetDatum(value));
}

void
store_key_null(ScanKey key, AttrNumber column)
{
	ScanKeyEntryInitialize(key, SK_ISNULL | SK_SEARCHNULL, column, InvalidStrategy, InvalidOid,
						   InvalidOid, InvalidOid, (Datum) 0);
}

/* Text columns that are keys have the collation "C", which ScanKeyInit() uses. */
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

/* The snapshot of a scan; in a parallel query, which takes no new ones, that of the query. */
static Snapshot
snapshot_to_read(void)
{
	if (reading_as_of != NULL)
		return reading_as_of;
	return IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot();
}

/*
 * Call work(arg), which reads several tables as they all were at one time: that
 * of a registered snapshot, or if it is NULL now.  What backends keep of a table
 * is not meant: see store_cached().
 */
void
store_read_as_of(Snapshot snapshot, void (*work)(void *arg), void *arg)
{
	Assert(reading_as_of == NULL);
	snapshot = RegisterSnapshot(snapshot != NULL ? snapshot : GetLatestSnapshot());
	PG_TRY();
	{
		reading_as_of = snapshot;
		work(arg);
	}
	PG_FINALLY();
	{
		reading_as_of = NULL;
	}
	PG_END_TRY();
	UnregisterSnapshot(snapshot);
}

/*
 * Begin to read rows whose columns equal the keys, in the order of an index; a
 * NULL index means all rows, in no order.
 */
void
store_scan_begin(StoreScan *scan, StoreTable table, const char *index, int nkeys, ScanKey keys)
{
	Assert(index != NULL || nkeys == 0);
	scan->rel = store_open(table, AccessShareLock);
	scan->snapshot = RegisterSnapshot(snapshot_to_read());
	scan->desc = systable_beginscan(scan->rel,
									index != NULL ? store_index_oid(table, index) : InvalidOid,
									index != NULL, scan->snapshot, nkeys, keys);
	scan->memory = CurrentMemoryContext;
}

/*
 * Read the columns of a row; those beyond STORE_MAX_COLUMNS, which are not the
 * extension's, are cut off.
 */
void
stored_row_init(StoredRow *row, HeapTuple tuple, TupleDesc desc)
{
	Datum *values = row->values;
	bool *nulls = row->nulls;

	row->tuple = tuple;
	row->desc = desc;
	if (desc->natts > STORE_MAX_COLUMNS)
	{
		values = palloc(desc->natts * sizeof(Datum));
		nulls = palloc(desc->natts * sizeof(bool));
	}
	heap_deform_tuple(tuple, desc, values, nulls);
	if (desc->natts > STORE_MAX_COLUMNS)
	{
		memcpy(row->values, values, sizeof(row->values));
		memcpy(row->nulls, nulls, sizeof(row->nulls));
		pfree(values);
		pfree(nulls);
	}
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

/*
 * Return the next row, good until the next call, or NULL after the last.  The scan of
 * an index may allocate what it keeps only now, so this is done in the memory context
 * in which it began, and the caller may be in one that lasts for less.
 */
StoredRow *
store_scan_next(StoreScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->memory);
	HeapTuple tuple = systable_getnext(scan->desc);

	MemoryContextSwitchTo(old);
	if (tuple == NULL)
		return NULL;
	stored_row_init(&scan->row, tuple, RelationGetDescr(scan->rel));
	return &scan->row;
}

/* A copy of the row that store_scan_next() has found, in the current context. */
StoredRow *
store_scan_copy(StoreScan *scan)
{
	Assert(HeapTupleIsValid(scan->row.tuple));
	return stored_row_make(scan->row.tuple, RelationGetDescr(scan->rel));
}

void
store_scan_end(StoreScan *scan)
{
	systable_endscan(scan->desc);
	UnregisterSnapshot(scan->snapshot);
	table_close(scan->rel, NoLock);
}

/*
 * Visit the rows of a table whose id, its first column, is wanted, in no order.  Of
 * the others nothing else is read.
 */
void
store_each_wanted(StoreTable table, StoreIdTest is_wanted, StoreRowVisit visit, void *arg)
{
	StoreScan scan;
	HeapTuple tuple;
	TupleDesc desc;

	store_scan_begin(&scan, table, NULL, 0, NULL);
	desc = RelationGetDescr(scan.rel);
	while ((tuple = systable_getnext(scan.desc)) != NULL)
	{
		bool isnull;
		Datum id = heap_getattr(tuple, 1, desc, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!isnull && !is_wanted(arg, DatumGetInt64(id)))
			continue;
		stored_row_init(&scan.row, tuple, desc);
		visit(arg, &scan.row);
	}
	store_scan_end(&scan);
}

/* Return the one row with these keys, as a copy in the current memory context, or NULL. */
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
 * Begin to look up rows of a table one by one, by the columns of an index, all of
 * which are int8.  It costs less than store_fetch() for each of many rows, and
 * sees what was committed when it began.
 */
void
store_lookup_begin(StoreLookup *lookup, StoreTable table, const char *index, int nkeys)
{
	Assert(nkeys <= STORE_LOOKUP_KEYS);
	lookup->rel = store_open(table, AccessShareLock);
	lookup->index = index_open(store_index_oid(table, index), AccessShareLock);
	lookup->snapshot = RegisterSnapshot(snapshot_to_read());
	lookup->slot = table_slot_create(lookup->rel, NULL);
	lookup->desc = compat_index_beginscan(lookup->rel, lookup->index, lookup->snapshot, nkeys);
	lookup->memory = CurrentMemoryContext;
	lookup->nkeys = nkeys;
}

/*
 * Return the row with these values in the index's columns, good until the next call,
 * or NULL.  As for a scan, the caller's memory context may last for less.
 */
StoredRow *
store_lookup_row(StoreLookup *lookup, const int64 *values)
{
	MemoryContext old = MemoryContextSwitchTo(lookup->memory);
	ScanKeyData keys[STORE_LOOKUP_KEYS];
	bool found;

	for (int i = 0; i < lookup->nkeys; i++)
		store_key_int64(&keys[i], i + 1, values[i]);
	index_rescan(lookup->desc, keys, lookup->nkeys, NULL, 0);
	found = index_getnext_slot(lookup->desc, ForwardScanDirection, lookup->slot);
	MemoryContextSwitchTo(old);
	if (!found)
		return NULL;
	stored_row_init(&lookup->row, ExecFetchSlotHeapTuple(lookup->slot, false, NULL),
					RelationGetDescr(lookup->rel));
	return &lookup->row;
}

void
store_lookup_end(StoreLookup *lookup)
{
	index_endscan(lookup->desc);
	ExecDropSingleTupleTableSlot(lookup->slot);
	UnregisterSnapshot(lookup->snapshot);
	index_close(lookup->index, NoLock);
	table_close(lookup->rel, NoLock);
}

/*
 * Return what fetch(key) makes of a row, from the backend's cache if it is there,
 * or NULL if there is no such row.  The result is good to the end of the
 * transaction, and fetch() allocates it in the current memory context.
 */
void *
store_cached(StoreTable table, const void *key, Size length, StoreFetch fetch)
{
	static Cache *caches[STORE_TABLE_COUNT];
	Cache *cache = caches[table];
	Snapshot as_of = reading_as_of;
	void *value;
	MemoryContext memory;
	MemoryContext old;

	Assert(store_table_info(table)->cached);
	if (cache == NULL)
		cache = caches[table] = cache_create(store_table_name(table));
	value = cache_get(cache, key, length);
	if (value != NULL)
		return value;

	cache_depend_on_table(cache, store_table_oid(table));
	memory = cache_begin_value();
	old = MemoryContextSwitchTo(memory);
	/* Nobody tells the cache when an earlier state is over. */
	reading_as_of = NULL;
	value = fetch(key);
	reading_as_of = as_of;
	MemoryContextSwitchTo(old);
	if (value == NULL)
		MemoryContextDelete(memory);
	else
		cache_put(cache, key, length, value, memory);
	return value;
}

/* Describe the row that a key identifies, for an error message. */
static const char *
describe_key(StoreTable table, const ScanKeyData *key)
{
	if (key->sk_func.fn_oid == F_INT8EQ)
		return psprintf("%s " INT64_FORMAT, store_table_name(table),
						DatumGetInt64(key->sk_argument));
	Assert(key->sk_func.fn_oid == F_TEXTEQ);
	return psprintf("%s \"%s\"", store_table_name(table), TextDatumGetCString(key->sk_argument));
}

/*
 * Lock the latest version of the row that has an earlier version at tid, to the
 * end of the transaction, and put it into the slot.
 */
StoreLock
store_lock_tuple(Relation rel, ItemPointer tid, Snapshot snapshot, LockTupleMode mode,
				 LockWaitPolicy policy, TupleTableSlot *slot)
{
	TM_FailureData failure;
	TM_Result result;

	Assert(CheckRelationLockedByMe(rel, AccessShareLock, true));
	Assert(ItemPointerIsValid(tid));
	result = table_tuple_lock(rel, tid, snapshot, slot, GetCurrentCommandId(false), mode, policy,
							  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	switch (result)
	{
		case TM_Ok:
			return STORE_LOCKED;
		case TM_WouldBlock:
			return STORE_BUSY;
		case TM_Deleted:
			return STORE_GONE;
		default:
			elog(ERROR, "could not lock row in table \"%s\": result %d",
				 RelationGetRelationName(rel), result);
	}
}

/*
 * Look for the row with this key, which may be locked afterwards by
 * store_lock_found(): a copy, or NULL.  The search is open until store_find_end().
 */
StoredRow *
store_find_begin(StoreFound *found, StoreTable table, const char *index, ScanKey key)
{
	found->table = table;
	found->key = *key;
	found->mode = LockTupleNoKeyExclusive;
	store_scan_begin(&found->scan, table, index, 1, key);
	found->tuple = systable_getnext(found->scan.desc);
	return found->tuple != NULL ? stored_row_make(found->tuple, RelationGetDescr(found->scan.rel))
								: NULL;
}

void
store_find_end(StoreFound *found)
{
	store_scan_end(&found->scan);
}

/* A row to lock, and what became of that. */
typedef struct RowLock
{
	StoreFound *found;
	LockWaitPolicy policy;
	TupleTableSlot *slot;
	StoreLock outcome;
} RowLock;

static void
take_row(void *arg)
{
	RowLock *lock = arg;
	StoreScan *scan = &lock->found->scan;

	lock->outcome = store_lock_tuple(scan->rel, &lock->found->tuple->t_self, scan->snapshot,
									 lock->found->mode, lock->policy, lock->slot);
}

/*
 * Lock the row that was found, FOR NO KEY UPDATE unless its mode was set, and read its
 * latest version.
 *
 * The lock lasts to the end of the transaction.  FOR UPDATE would block
 * foreign keys that refer to the row.
 */
StoreLock
store_lock_found(StoreFound *found, LockWaitPolicy wait, StoredRow **row)
{
	RowLock lock = {.found = found, .policy = LockWaitSkip, .outcome = STORE_GONE};

	Assert(wait != LockWaitError);
	if (found->tuple == NULL)
		return STORE_GONE;
	lock.slot = table_slot_create(found->scan.rel, NULL);
	take_row(&lock);
	if (lock.outcome == STORE_BUSY && wait == LockWaitBlock)
	{
		lock.policy = LockWaitBlock;
		store_lock_wait(take_row, &lock, describe_key(found->table, &found->key));
	}
	if (lock.outcome == STORE_LOCKED)
	{
		HeapTuple tuple = ExecFetchSlotHeapTuple(lock.slot, false, NULL);

		tuple->t_self = lock.slot->tts_tid;
		*row = stored_row_make(tuple, RelationGetDescr(found->scan.rel));
	}
	ExecDropSingleTupleTableSlot(lock.slot);
	return lock.outcome;
}

/* Find the row with this key and lock it in a mode, as store_lock_found() does. */
StoreLock
store_lock_row_as(LockTupleMode mode, StoreTable table, const char *index, ScanKey key,
				  LockWaitPolicy wait, StoredRow **row)
{
	StoreFound found = {.table = table, .key = *key, .mode = mode};
	StoreLock outcome;

	store_scan_begin(&found.scan, table, index, 1, key);
	found.tuple = systable_getnext(found.scan.desc);
	outcome = store_lock_found(&found, wait, row);
	store_find_end(&found);
	return outcome;
}

/* The same FOR NO KEY UPDATE. */
StoreLock
store_lock_row(StoreTable table, const char *index, ScanKey key, LockWaitPolicy wait,
			   StoredRow **row)
{
	return store_lock_row_as(LockTupleNoKeyExclusive, table, index, key, wait, row);
}
