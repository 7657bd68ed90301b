/*
 * changes.c
 *	  What a subtransaction has changed in the tables, row by row.
 *
 * The server counts the rows that each level of subtransactions inserts,
 * updates and deletes, for its own statistics.  Those of the level that is
 * still open have what stands and nothing else: a level below that was rolled
 * back is in no other's counts.  Afterwards they are mixed with those of the
 * whole transaction, so they are read before the subtransaction ends.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "engine/changes.h"
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

/* A table by its qualified name; NULL for what is none, or is gone. */
static char *
table_name(Oid relid)
{
	char kind = get_rel_relkind(relid);

	if ((kind != RELKIND_RELATION && kind != RELKIND_MATVIEW) ||
		get_rel_namespace(relid) == PG_TOAST_NAMESPACE)
		return NULL;
	return qualified_name(relid);
}

typedef struct TableChange
{
	char *name;
	const PgStat_TableXactStatus *counts;
} TableChange;

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const TableChange *) a)->name, ((const TableChange *) b)->name);
}

static Jsonb *
change_to_json(const TableChange *change, Oid relid)
{
	JsonObject object;

	json_object_begin(&object);
	json_add_text(&object, "table", change->name);
	if (get_rel_relispartition(relid))
		json_add_text(&object, "partition_of",
					  qualified_name(llast_oid(get_partition_ancestors(relid))));
	json_add_int(&object, "inserted", change->counts->tuples_inserted);
	json_add_int(&object, "updated", change->counts->tuples_updated);
	json_add_int(&object, "deleted", change->counts->tuples_deleted);
	json_add_bool(&object, "truncated", change->counts->truncdropped);
	return json_object_end(&object);
}

/*
 * Read what the current subtransaction has changed so far.  tables is NULL
 * where the server does not count (track_counts).
 */
void
changes_read(Changes *changes)
{
	PgStat_SubXactStatus *level = pgstat_get_xact_stack_level(GetCurrentTransactionNestLevel());
	TableChange *found;
	int count = 0;
	JsonArray tables;

	memset(changes, 0, sizeof(Changes));
	if (!pgstat_track_counts)
		return;
	for (PgStat_TableXactStatus *table = level->first; table != NULL; table = table->next)
		count++;
	found = palloc(sizeof(TableChange) * Max(count, 1));
	count = 0;
	for (PgStat_TableXactStatus *table = level->first; table != NULL; table = table->next)
	{
		Oid relid = compat_stats_relid(table->parent);

		if (table->tuples_inserted == 0 && table->tuples_updated == 0 &&
			table->tuples_deleted == 0 && !table->truncdropped)
			continue;
		if (IsCatalogRelationOid(relid))
		{
			changes->catalogs = true;
			continue;
		}
		found[count].counts = table;
		found[count].name = table_name(relid);
		if (found[count].name != NULL)
			count++;
	}
	qsort(found, count, sizeof(TableChange), compare_names);

	json_array_begin(&tables);
	for (int i = 0; i < count; i++)
		json_array_add(&tables,
					   change_to_json(&found[i], compat_stats_relid(found[i].counts->parent)));
	changes->tables = json_array_end(&tables);
}
