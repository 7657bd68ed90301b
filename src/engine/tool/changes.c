/*
 * changes.c
 *	  What a subtransaction has changed in the tables, row by row.
 *
 * The server counts the rows that each level of subtransactions inserts,
 * updates and deletes, for its own statistics.  The counts of the level that is
 * still open contain exactly what stands: a level below that was rolled back is
 * in no other's counts.  Afterwards they are mixed with those of the whole
 * transaction, so they are read before the subtransaction ends.
 *
 * Rows of a partition are shown as rows of its table.  A table whose rows the
 * server has not counted is shown as such: see uncounted.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "engine/sandbox/uncounted.h"
#include "engine/tool/changes.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pgstat_internal.h"

static char *
qualified_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/* The qualified name of a table, or NULL if the relation is not a table or does not exist. */
static char *
table_name(Oid relid)
{
	char kind = get_rel_relkind(relid);

	if ((kind != RELKIND_RELATION && kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE &&
		 kind != RELKIND_PARTITIONED_TABLE) ||
		get_rel_namespace(relid) == PG_TOAST_NAMESPACE)
		return NULL;
	return qualified_name(relid);
}

/* The changes of a table, including its partitions. */
typedef struct TableChange
{
	Oid relid;
	char *name;
	bool uncounted; /* some of its rows, or all */
	bool counted;   /* some of its rows, or all */
	PgStat_Counter inserted;
	PgStat_Counter updated;
	PgStat_Counter deleted;
	bool truncated;
	List *parts;      /* OIDs of the relations that changed: itself, or partitions */
	List *partitions; /* names of those that changed; NIL: it has none */
} TableChange;

static int
compare_changes(const ListCell *a, const ListCell *b)
{
	return strcmp(((const TableChange *) lfirst(a))->name, ((const TableChange *) lfirst(b))->name);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/*
 * The entry of the table that a relation belongs to, or NULL if the relation is
 * not a table or does not exist.
 */
static TableChange *
change_of(List **changes, Oid relid)
{
	char *name = table_name(relid);
	List *ancestors = name != NULL && get_rel_relispartition(relid) ? get_partition_ancestors(relid)
																	: NIL;
	Oid table = ancestors != NIL ? llast_oid(ancestors) : relid;
	TableChange *change = NULL;
	ListCell *cell;

	if (name == NULL)
		return NULL;
	foreach (cell, *changes)
		if (((TableChange *) lfirst(cell))->relid == table)
			change = lfirst(cell);
	if (change == NULL)
	{
		change = palloc0(sizeof(TableChange));
		change->relid = table;
		change->name = qualified_name(table);
		*changes = lappend(*changes, change);
	}
	change->parts = list_append_unique_oid(change->parts, relid);
	if (ancestors != NIL)
		change->partitions = lappend(change->partitions, name);
	return change;
}

static Jsonb *
names_to_json(List *names)
{
	JsonArray array;
	ListCell *cell;

	list_sort(names, compare_names);
	json_array_begin(&array);
	foreach (cell, names)
		json_array_add_text(&array, lfirst(cell));
	return json_array_end(&array);
}

/* The entry of a table, with its changed rows if rows are to be shown. */
static Jsonb *
change_to_json(const TableChange *change, RowAllowance *rows)
{
	JsonObject object;

	json_object_begin(&object);
	json_add_text(&object, "table", change->name);
	if (change->partitions != NIL)
		json_add_jsonb(&object, "partitions", names_to_json(change->partitions));
	if (change->uncounted)
		json_add_bool(&object, "counted", false);
	if (change->counted)
	{
		json_add_int(&object, "inserted", change->inserted);
		json_add_int(&object, "updated", change->updated);
		json_add_int(&object, "deleted", change->deleted);
		json_add_bool(&object, "truncated", change->truncated);
	}
	if (rows != NULL && (change->uncounted || change->truncated))
		json_add_bool(&object, "rows_shown", false);
	else if (rows != NULL)
		changed_rows_add(&object, change->relid, change->parts, rows);
	return json_object_end(&object);
}

/* Add what the server has counted in the current subtransaction. */
static void
add_counted(List **tables, Changes *changes)
{
	PgStat_SubXactStatus *level = pgstat_get_xact_stack_level(GetCurrentTransactionNestLevel());

	for (PgStat_TableXactStatus *counts = level->first; counts != NULL; counts = counts->next)
	{
		Oid relid = compat_stats_relid(counts->parent);
		TableChange *change;

		if (counts->tuples_inserted == 0 && counts->tuples_updated == 0 &&
			counts->tuples_deleted == 0 && !counts->truncdropped)
			continue;
		if (IsCatalogRelationOid(relid))
		{
			changes->catalogs = true;
			continue;
		}
		change = change_of(tables, relid);
		if (change == NULL)
			continue;
		change->counted = true;
		change->inserted += counts->tuples_inserted;
		change->updated += counts->tuples_updated;
		change->deleted += counts->tuples_deleted;
		change->truncated |= counts->truncdropped;
	}
}

/*
 * Read what the current subtransaction has changed so far, with the rows that may
 * be shown (NULL: none).  tables is NULL where the server does not count
 * (track_counts).
 */
void
changes_read(Changes *changes, RowAllowance *rows)
{
	List *tables = NIL;
	JsonArray array;
	ListCell *cell;

	memset(changes, 0, sizeof(Changes));
	if (!pgstat_track_counts)
		return;
	add_counted(&tables, changes);
	foreach (cell, uncounted_tables())
	{
		TableChange *change = change_of(&tables, lfirst_oid(cell));

		if (change != NULL)
			change->uncounted = true;
	}
	list_sort(tables, compare_changes);

	json_array_begin(&array);
	foreach (cell, tables)
		json_array_add(&array, change_to_json(lfirst(cell), rows));
	changes->tables = json_array_end(&array);
}
