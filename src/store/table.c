/*
 * table.c
 *	  Finds and opens the extension's tables.
 *
 * Owns how a StoreTable leads to the table's descriptor and to its relation.
 * table_list.h names the tables and each table's own file describes it; rows
 * are the business of table_read.c, table_write.c and table_column.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/cache.h"
#include "base/errors.h"
#include "base/names.h"
#include "catalog/namespace.h"
#include "commands/extension.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "store/table.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

static const StoreTableInfo *const tables[STORE_TABLE_COUNT] = {
#define STORE_TABLE(table, info) [table] = &(info),
#include "store/table_list.h"
#undef STORE_TABLE
};

const StoreTableInfo *
store_table_info(StoreTable table)
{
	Assert(table >= 0 && table < STORE_TABLE_COUNT);
	Assert(tables[table]->columns <= STORE_MAX_COLUMNS);
	return tables[table];
}

const char *
store_table_name(StoreTable table)
{
	return store_table_info(table)->name;
}

/* Whether a column of a table never changes. */
bool
store_column_is_fixed(const StoreTableInfo *info, AttrNumber column)
{
	if (info->append_only)
		return true;
	for (const AttrNumber *fixed = info->fixed; fixed != NULL && *fixed != 0; fixed++)
		if (*fixed == column)
			return true;
	return false;
}

int
store_table_columns(StoreTable table)
{
	return store_table_info(table)->columns;
}

/* How many indexes of a table are kept; the code names no more of any. */
#define KNOWN_INDEXES 8

/* OIDs of relations, kept until catalogs change; invalid: not looked up yet. */
typedef struct KnownTable
{
	Oid relid;
	Oid sequence;
	int nindexes;
	struct
	{
		NameData name;
		Oid relid;
	} indexes[KNOWN_INDEXES];
} KnownTable;

static KnownTable known_tables[STORE_TABLE_COUNT];
static bool known_are_valid = false;
static uint64 known_changes = 0;

static void
forget_relations(void)
{
	known_are_valid = false;
	known_changes++;
}

static void
forget_on_relcache(pg_attribute_unused() Datum arg, pg_attribute_unused() Oid relid)
{
	forget_relations();
}

static void
forget_on_syscache(pg_attribute_unused() Datum arg, pg_attribute_unused() int cacheid,
				   pg_attribute_unused() uint32 hashvalue)
{
	forget_relations();
}

/* What is known of a table. */
static KnownTable *
known_table(StoreTable table)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(forget_on_relcache, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, forget_on_syscache, (Datum) 0);
		CacheRegisterSyscacheCallback(RELOID, forget_on_syscache, (Datum) 0);
		registered = true;
	}
	if (!known_are_valid)
	{
		memset(known_tables, 0, sizeof(known_tables));
		known_are_valid = true;
	}
	return &known_tables[table];
}

/*
 * How many changes of the catalogs that may concern relations this backend has heard of,
 * since one of the tables was looked up first.
 */
uint64
store_catalog_changes(void)
{
	return known_changes;
}

/* The OID of a relation; *keep tells whether it is still good when it has been found. */
static Oid
find_relation(const char *name, bool *keep)
{
	uint64 before = known_changes;
	Oid relid = get_relname_relid(name, extension_schema());

	if (!OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errreason("wfo_version_mismatch"),
						errmsg("relation \"%s.%s\" does not exist", WFO_SCHEMA, name),
						errhint("Create the extension again, or update it with ALTER EXTENSION %s "
								"UPDATE.",
								WFO_NAME)));
	*keep = known_changes == before;
	return relid;
}

/* The OID of a table. */
Oid
store_table_oid(StoreTable table)
{
	KnownTable *known;
	Oid relid;
	bool keep;

	AcceptInvalidationMessages();
	known = known_table(table);
	if (OidIsValid(known->relid))
		return known->relid;
	relid = find_relation(tables[table]->name, &keep);
	if (keep)
		known->relid = relid;
	return relid;
}

/* The OID of an index of a table that is locked. */
Oid
store_index_oid(StoreTable table, const char *name)
{
	KnownTable *known = known_table(table);
	Oid relid;
	bool keep;

	for (int i = 0; i < known->nindexes; i++)
		if (strcmp(NameStr(known->indexes[i].name), name) == 0)
			return known->indexes[i].relid;
	relid = find_relation(name, &keep);
	if (keep && known->nindexes < KNOWN_INDEXES)
	{
		namestrcpy(&known->indexes[known->nindexes].name, name);
		known->indexes[known->nindexes++].relid = relid;
	}
	return relid;
}

static Oid
sequence_oid(StoreTable table)
{
	KnownTable *known;
	Oid relid;
	bool keep;

	AcceptInvalidationMessages();
	known = known_table(table);
	if (OidIsValid(known->sequence))
		return known->sequence;
	relid = find_relation(tables[table]->id_sequence, &keep);
	if (keep)
		known->sequence = relid;
	return relid;
}

/* Which of the tables a relation is: false where it is none of them. */
bool
store_table_of(Relation rel, StoreTable *table)
{
	for (int i = 0; known_are_valid && i < STORE_TABLE_COUNT; i++)
	{
		if (known_tables[i].relid == RelationGetRelid(rel))
		{
			*table = (StoreTable) i;
			return true;
		}
	}
	for (int i = 0; i < STORE_TABLE_COUNT; i++)
	{
		if (strcmp(tables[i]->name, RelationGetRelationName(rel)) == 0)
		{
			*table = (StoreTable) i;
			return true;
		}
	}
	return false;
}

/* Whether a relation in this schema and of this name is one of the extension's tables. */
bool
store_owns(Oid schema, const char *name)
{
	if (schema != get_namespace_oid(WFO_SCHEMA, true))
		return false;
	for (int i = 0; i < STORE_TABLE_COUNT; i++)
		if (strcmp(tables[i]->name, name) == 0)
			return true;
	return false;
}

/* Whether there is a relation of this name that has so many columns. */
static bool
relation_has_columns(Oid schema, const char *name, int columns)
{
	HeapTuple tuple = SearchSysCache2(RELNAMENSP, CStringGetDatum(name), ObjectIdGetDatum(schema));
	bool found;

	if (!HeapTupleIsValid(tuple))
		return false;
	found = ((Form_pg_class) GETSTRUCT(tuple))->relnatts >= columns;
	ReleaseSysCache(tuple);
	return found;
}

static bool
find_tables(void)
{
	Oid schema = get_namespace_oid(WFO_SCHEMA, true);

	if (!OidIsValid(schema) || !OidIsValid(get_extension_oid(WFO_NAME, true)))
		return false;
	for (int i = 0; i < STORE_TABLE_COUNT; i++)
		if (!relation_has_columns(schema, tables[i]->name, tables[i]->columns))
			return false;
	return true;
}

/*
 * Whether the extension exists, in the version of the library.  A worker asks
 * before each call, so a positive answer is cached until a table changes.
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

/* Whether a table has the extension's columns; others may follow them. */
static bool
has_columns(Relation rel, int columns)
{
	TupleDesc desc = RelationGetDescr(rel);

	if (desc->natts < columns)
		return false;
	for (int i = 0; i < columns; i++)
		if (TupleDescAttr(desc, i)->attisdropped)
			return false;
	return true;
}

/*
 * Open a table.  The lock is kept to the end of the transaction by closing
 * with NoLock, so that the table cannot change shape under the call.
 */
Relation
store_open(StoreTable table, LOCKMODE lockmode)
{
	const StoreTableInfo *info = store_table_info(table);
	Relation rel;

	Assert(IsTransactionState());
	Assert(lockmode != NoLock);
	rel = table_open(store_table_oid(table), lockmode);

	if (!has_columns(rel, info->columns))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errreason("wfo_version_mismatch"),
						errmsg("table \"%s.%s\" is not of the version of the library", WFO_SCHEMA,
							   info->name),
						errhint("Run ALTER EXTENSION %s UPDATE.", WFO_NAME)));
	return rel;
}

/*
 * Lock the tables for writing, to the end of the transaction, without waiting.
 * Returns false if another session has one of them locked.
 */
bool
store_try_lock(void)
{
	for (int i = 0; i < STORE_TABLE_COUNT; i++)
		if (!ConditionalLockRelationOid(store_table_oid((StoreTable) i), RowExclusiveLock))
			return false;
	return true;
}

/*
 * Lock a table for reading.  Returns false if the extension does not exist, or has
 * been dropped while the transaction waited.
 */
bool
store_lock_shared(StoreTable table)
{
	Oid relid;

	do
	{
		if (!store_exists())
			return false;
		relid = store_table_oid(table);
		LockRelationOid(relid, AccessShareLock);
	} while (!store_exists() || store_table_oid(table) != relid);
	return true;
}

/*
 * Lock a table for reading, without waiting.  Returns false if another session
 * has locked the table or waits to do so.
 */
bool
store_try_lock_shared(StoreTable table)
{
	return ConditionalLockRelationOid(store_table_oid(table), AccessShareLock);
}

/* The owner of the tables, and so of the extension. */
Oid
store_owner(void)
{
	Oid relid = store_table_oid(STORE_POLICY);
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Return the next value of the table's identity column. */
int64
store_next_id(StoreTable table)
{
	Assert(store_table_info(table)->id_sequence != NULL);
	return nextval_internal(sequence_oid(table), false);
}

/*
 * Return the highest value that the table's identity column has been given, or 0;
 * after a crash it may be a few values higher.
 */
int64
store_last_id(StoreTable table)
{
	LOCAL_FCINFO(fcinfo, 1);
	Oid user;
	int context;
	Datum last;

	/* The server asks for a privilege on the sequence, which callers need not have. */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(store_owner(), context | SECURITY_LOCAL_USERID_CHANGE);
	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(sequence_oid(table));
	fcinfo->args[0].isnull = false;
	last = pg_sequence_last_value(fcinfo);
	SetUserIdAndSecContext(user, context);
	return fcinfo->isnull ? 0 : DatumGetInt64(last);
}

/*
 * Lock a table for writing, as a write does.  A caller that takes an id before it
 * writes locks first, so that whoever sees the id sees the lock.
 */
void
store_lock_to_write(StoreTable table)
{
	LockRelationOid(store_table_oid(table), RowExclusiveLock);
}

/*
 * Lock a table for writing and its indexes for reading and writing, to the end of the
 * transaction.  Each of many reads and writes then finds the locks, and does not take
 * and release them itself.
 */
void
store_lock_indexes(StoreTable table)
{
	Relation rel = store_open(table, RowExclusiveLock);
	List *indexes = RelationGetIndexList(rel);
	ListCell *cell;

	foreach (cell, indexes)
	{
		LockRelationOid(lfirst_oid(cell), RowExclusiveLock);
		LockRelationOid(lfirst_oid(cell), AccessShareLock);
	}
	list_free(indexes);
	table_close(rel, NoLock);
}
