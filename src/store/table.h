/*
 * table.h
 *	  Reads and writes rows of the extension's tables.
 *
 * The calls run with the caller's rights, but the tables belong to the
 * extension.  The store therefore bypasses the permission checks and uses the
 * table access methods and the executor's row functions directly, which still
 * check constraints and fire triggers.  There is no SQL text, no plan and no
 * search_path.
 *
 * Reads see the latest committed state and the transaction's own changes at
 * every isolation level.  Callers first lock the rows that a decision depends
 * on.
 */
#ifndef WFO_STORE_TABLE_H
#define WFO_STORE_TABLE_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "base/enum.h"
#include "executor/tuptable.h"
#include "model/transition.h"
#include "nodes/pg_list.h"
#include "nodes/lockoptions.h"
#include "utils/rel.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

typedef enum StoreTable
{
#define STORE_TABLE(table, info) table,
#include "store/table_list.h"
#undef STORE_TABLE
	STORE_TABLE_COUNT
} StoreTable;

#define STORE_MAX_COLUMNS 40

/* What a redaction makes of a column; NULL stays NULL. */
typedef enum StoreRedacted
{
	REDACTED_TO_NULL,
	REDACTED_TO_TOKEN, /* a text that is the same everywhere */
	REDACTED_TO_EMPTY, /* an object without members */
	REDACTED_TO_FACTS  /* the members that say nothing of what a person is or wrote */
} StoreRedacted;

/* A column that has what people wrote, or values of the application. */
typedef struct StorePersonal
{
	AttrNumber column; /* 0 ends a list of them */
	StoreRedacted becomes;
} StorePersonal;

/* What the redaction of an actor makes of a column; NULL stays NULL. */
typedef enum StoreIdentity
{
	IDENTITY_PERSON, /* a person: a random token, the same wherever the person stands */
	IDENTITY_ROLE,   /* a role or a login: the actor's new name */
	IDENTITY_NAME,   /* the actor's name: the new one */
	IDENTITY_EMPTY,  /* what else says who it was: an empty text */
	IDENTITY_NULL    /* the same: null */
} StoreIdentity;

/* A column that says who somebody is. */
typedef struct StoreIdentifying
{
	AttrNumber column; /* 0 ends a list of them */
	StoreIdentity kind;
} StoreIdentifying;

/*
 * What is special about a table.  Each table's own file defines one of these;
 * a column number of 0 means that the table has no such column.
 */
typedef struct StoreTableInfo
{
	const char *name;
	const char *id_sequence; /* of its identity column; NULL: it has none */
	int columns;             /* the extension's own, the others follow them */

	bool append_only;              /* rows are never changed */
	bool deletes;                  /* the extension deletes rows, not only to purge */
	bool cached;                   /* backends keep rows: see store_cached() */
	const AttrNumber *fixed;       /* columns that never change, up to a 0 */
	AttrNumber ended_at;           /* a row that has a value here never changes */
	AttrNumber status;             /* changes as the transition table says */
	StatefulObject object;         /* whose status it is */
	AttrNumber event;              /* what led to the status */
	const StorePersonal *personal; /* what a redaction of the row changes; NULL: nothing */

	const StoreIdentifying *identifying; /* what says who somebody is; NULL: nothing */
	AttrNumber actor_id;                 /* the actor whom they are about */

	/* What a row belongs to. */
	AttrNumber workflow_id;
	AttrNumber proposal_id;
	AttrNumber execution_id;
	AttrNumber proposed_by; /* a restore fills this in from the proposal */

	/*
	 * The column that says with which workflow, proposal or execution a row is purged,
	 * and an index that begins with it; 0: all rows stay.
	 */
	AttrNumber purged_by;
	const char *purge_index;

	/* The function to call in place of a statement; NULL: there is none. */
	const char *insert_call;
	const char *update_call;
	const char *delete_call;
} StoreTableInfo;

#define STORE_TABLE(table, info) extern const StoreTableInfo info;
#include "store/table_list.h"
#undef STORE_TABLE

extern Oid store_table_oid(StoreTable table);
extern Oid store_index_oid(StoreTable table, const char *name);
extern bool store_lock_shared(StoreTable table);
extern bool store_try_lock_shared(StoreTable table);
extern Relation store_open(StoreTable table, LOCKMODE lockmode);
extern bool store_exists(void);
extern uint64 store_catalog_changes(void);
extern const StoreTableInfo *store_table_info(StoreTable table);
extern bool store_table_of(Relation rel, StoreTable *table);
extern bool store_owns(Oid schema, const char *name);
extern const char *store_table_name(StoreTable table);
extern int store_table_columns(StoreTable table);
extern bool store_column_is_fixed(const StoreTableInfo *info, AttrNumber column);
extern Oid store_owner(void);

/* A row that was read. */
typedef struct StoredRow
{
	TupleDesc desc; /* NULL: the table is closed again */
	HeapTuple tuple;
	Datum values[STORE_MAX_COLUMNS];
	bool nulls[STORE_MAX_COLUMNS];
} StoredRow;

extern void stored_row_init(StoredRow *row, HeapTuple tuple, TupleDesc desc);

/* Scans: rows with columns equal to keys, in the order of an index. */
typedef struct StoreScan
{
	Relation rel;
	Snapshot snapshot;
	SysScanDesc desc;
	MemoryContext memory; /* of the scan */
	StoredRow row;
} StoreScan;

extern void store_key_int64(ScanKey key, AttrNumber column, int64 value);
extern void store_key_bool(ScanKey key, AttrNumber column, bool value);
extern void store_key_expression(ScanKey key, int32 value);
extern void store_key_int64_after(ScanKey key, AttrNumber column, int64 value);
extern void store_key_int64_upto(ScanKey key, AttrNumber column, int64 value);
extern void store_key_time_before(ScanKey key, AttrNumber column, TimestampTz value);
extern void store_key_null(ScanKey key, AttrNumber column);
extern void store_key_text(ScanKey key, AttrNumber column, const char *value);
extern void store_key_name(ScanKey key, AttrNumber column, const char *value);
extern void store_key_bytea(ScanKey key, AttrNumber column, Datum value);
extern void store_scan_begin(StoreScan *scan, StoreTable table, const char *index, int nkeys,
							 ScanKey keys);
extern StoredRow *store_scan_next(StoreScan *scan);
extern StoredRow *store_scan_copy(StoreScan *scan);
extern void store_scan_end(StoreScan *scan);

/* Whether a row with this id is wanted, and what is done with one that is. */
typedef bool (*StoreIdTest)(void *arg, int64 id);
typedef void (*StoreRowVisit)(void *arg, const StoredRow *row);

extern void store_each_wanted(StoreTable table, StoreIdTest is_wanted, StoreRowVisit visit,
							  void *arg);
extern StoredRow *store_fetch(StoreTable table, const char *index, int nkeys, ScanKey keys);
extern void store_read_as_of(Snapshot snapshot, void (*work)(void *arg), void *arg);

/* Rows that are looked up one by one, by up to so many keys. */
#define STORE_LOOKUP_KEYS 2

typedef struct StoreLookup
{
	Relation rel;
	Relation index;
	Snapshot snapshot;
	TupleTableSlot *slot;
	IndexScanDesc desc;
	MemoryContext memory; /* of the scan */
	int nkeys;
	StoredRow row;
} StoreLookup;

extern void store_lookup_begin(StoreLookup *lookup, StoreTable table, const char *index, int nkeys);
extern StoredRow *store_lookup_row(StoreLookup *lookup, const int64 *values);
extern void store_lookup_end(StoreLookup *lookup);

/* Rows that every call reads and that seldom change, kept by the backend. */
typedef void *(*StoreFetch)(const void *key);

extern void *store_cached(StoreTable table, const void *key, Size length, StoreFetch fetch);

typedef enum StoreLock
{
	STORE_LOCKED, /* the row is locked, the tuple its latest version */
	STORE_BUSY,   /* another session has it locked, and the caller does not wait */
	STORE_GONE    /* there is none */
} StoreLock;

extern StoreLock store_lock_tuple(Relation rel, ItemPointer tid, Snapshot snapshot,
								  LockTupleMode mode, LockWaitPolicy policy, TupleTableSlot *slot);

/* A search for a row that may be locked afterwards. */
typedef struct StoreFound
{
	StoreTable table;
	ScanKeyData key;
	LockTupleMode mode; /* of the lock */
	StoreScan scan;
	HeapTuple tuple; /* NULL: there is none */
} StoreFound;

extern StoredRow *store_find_begin(StoreFound *found, StoreTable table, const char *index,
								   ScanKey key);
extern StoreLock store_lock_found(StoreFound *found, LockWaitPolicy wait, StoredRow **row);
extern void store_find_end(StoreFound *found);
extern StoreLock store_lock_row(StoreTable table, const char *index, ScanKey key,
								LockWaitPolicy wait, StoredRow **row);
extern StoreLock store_lock_row_as(LockTupleMode mode, StoreTable table, const char *index,
								   ScanKey key, LockWaitPolicy wait, StoredRow **row);

/* The tables, for the whole transaction. */
extern bool store_try_lock(void);

/* A row to be written.  Columns that are not set stay as they are. */
typedef struct StoreRow
{
	StoreTable table;
	Datum values[STORE_MAX_COLUMNS];
	bool nulls[STORE_MAX_COLUMNS];
	bool replaces[STORE_MAX_COLUMNS];
} StoreRow;

extern void store_row_init(StoreRow *row, StoreTable table);
extern void row_set(StoreRow *row, AttrNumber column, Datum value);
extern void row_set_null(StoreRow *row, AttrNumber column);
extern void row_set_int64(StoreRow *row, AttrNumber column, int64 value);
extern void row_set_id(StoreRow *row, AttrNumber column, const int64 *id);
extern void row_set_bool(StoreRow *row, AttrNumber column, bool value);
extern void row_set_time(StoreRow *row, AttrNumber column, TimestampTz value);
extern void row_set_text(StoreRow *row, AttrNumber column, const char *value);
extern void row_set_name(StoreRow *row, AttrNumber column, const char *value);
extern void row_set_texts(StoreRow *row, AttrNumber column, const List *values);
extern void row_set_ids(StoreRow *row, AttrNumber column, const List *ids);
extern void row_set_pointer(StoreRow *row, AttrNumber column, const void *value);
extern void row_set_enum(StoreRow *row, AttrNumber column, const EnumType *type, int value);

extern void store_insert(StoreRow *row);
extern void store_update(StoreRow *row, StoredRow *old);
extern void store_redact(StoreRow *row, StoredRow *old);
extern bool store_deletes_from(const StoreTableInfo *table);
extern void store_delete(StoreTable table, StoredRow *old);
extern int64 store_next_id(StoreTable table);
extern int64 store_last_id(StoreTable table);
extern void store_lock_to_write(StoreTable table);
extern void store_lock_indexes(StoreTable table);
extern void store_keep_open(const StoreTable *tables, int count);
extern void store_keep_close(void);
extern bool store_is_writing(void);
extern bool store_is_redacting(void);
extern void *store_written(AttrNumber column);

/* Columns of a row that was read; results are copies in the current context. */
extern bool column_is_null(const StoredRow *row, AttrNumber column);
extern bool column_is_same(const StoredRow *a, const StoredRow *b, AttrNumber column);
extern bool column_is_as(const StoredRow *a, AttrNumber column, const StoredRow *b,
						 AttrNumber column_of_b);
extern Datum column_datum(const StoredRow *row, AttrNumber column);
extern int64 column_int64(const StoredRow *row, AttrNumber column);
extern int64 *column_int64_or_null(const StoredRow *row, AttrNumber column);
extern bool column_bool(const StoredRow *row, AttrNumber column);
extern Oid column_oid(const StoredRow *row, AttrNumber column);
extern char *column_text(const StoredRow *row, AttrNumber column);
extern char *column_some_text(const StoredRow *row, AttrNumber column);
extern char *column_name(const StoredRow *row, AttrNumber column);
extern List *column_texts(const StoredRow *row, AttrNumber column);
extern List *column_ids(const StoredRow *row, AttrNumber column);
extern void *column_varlena(const StoredRow *row, AttrNumber column);
extern void *column_some_varlena(const StoredRow *row, AttrNumber column);
extern void column_bytes(const StoredRow *row, AttrNumber column, void *data, Size length);
extern bool column_has_bytes(const StoredRow *row, AttrNumber column, Size length);
extern Interval *column_interval(const StoredRow *row, AttrNumber column);
extern Interval column_some_interval(const StoredRow *row, AttrNumber column);
extern int column_enum(const StoredRow *row, AttrNumber column, const EnumType *type);

#endif
