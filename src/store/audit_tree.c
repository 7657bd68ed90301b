/*
 * audit_tree.c
 *	  The tables audit_tree and audit_origin: the tree as a whole, and its names.
 *
 * Owns their descriptors and how a row becomes a struct and back.  The hashes are
 * in audit_tile.c.
 */
#include "postgres.h"

#include "base/grow.h"
#include "miscadmin.h"
#include "store/audit_tree.h"
#include "store/home.h"

const StoreTableInfo audit_tree_table = {
	.name = "audit_tree",
	.columns = TREE_COLUMNS,
	.insert_call = "seal_audit_log",
	.update_call = "seal_audit_log",
};

const StoreTableInfo audit_origin_table = {
	.name = "audit_origin",
	.columns = ORIGIN_COLUMNS,
	.append_only = true,
	.insert_call = "new_origin",
};

/* Return the tree, or NULL before the first round. */
AuditTree *
audit_tree_load(void)
{
	StoredRow *row = store_fetch(STORE_AUDIT_TREE, NULL, 0, NULL);
	AuditTree *tree;

	if (row == NULL)
		return NULL;
	tree = palloc0(sizeof(AuditTree));
	tree->size = column_int64(row, TREE_SIZE);
	tree->settled_id = column_int64(row, TREE_SETTLED_ID);
	tree->seen_id = column_int64(row, TREE_SEEN_ID);
	tree->sealed_at = column_int64(row, TREE_SEALED_AT);
	tree->home_system = column_int64(row, TREE_HOME_SYSTEM);
	tree->home_database = column_oid(row, TREE_HOME_DATABASE);
	tree->timeline = column_int64(row, TREE_TIMELINE);
	tree->earlier_id = column_int64(row, TREE_EARLIER_ID);
	tree->is_home = column_is_home(row, TREE_HOME_SYSTEM, TREE_HOME_DATABASE);
	tree->row = row;
	return tree;
}

/* Write the tree, as one of this database.  The caller holds LOCK_SEAL. */
void
audit_tree_save(AuditTree *tree)
{
	StoreRow row;

	store_row_init(&row, STORE_AUDIT_TREE);
	row_set_int64(&row, TREE_SIZE, tree->size);
	row_set_int64(&row, TREE_SETTLED_ID, tree->settled_id);
	row_set_int64(&row, TREE_SEEN_ID, tree->seen_id);
	row_set_time(&row, TREE_SEALED_AT, tree->sealed_at);
	row_set_home(&row, TREE_HOME_SYSTEM, TREE_HOME_DATABASE);
	row_set_int64(&row, TREE_TIMELINE, tree->timeline);
	row_set_int64(&row, TREE_EARLIER_ID, tree->earlier_id);
	if (tree->row != NULL)
		store_update(&row, tree->row);
	else
	{
		row_set_bool(&row, TREE_ONLY_ROW, true);
		store_insert(&row);
	}
}

/* Return the names that the tree has had; the last one is in force. */
AuditOrigin *
audit_origin_list(int *count)
{
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	AuditOrigin *origins = NULL;

	*count = 0;
	store_scan_begin(&scan, STORE_AUDIT_ORIGIN, "audit_origin_pkey", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		AuditOrigin *origin;

		GROW_ARRAY(origins, *count, size);
		origin = &origins[(*count)++];
		origin->origin_id = column_int64(row, ORIGIN_ORIGIN_ID);
		origin->origin = column_some_text(row, ORIGIN_ORIGIN);
		origin->from_size = column_int64(row, ORIGIN_FROM_SIZE);
		origin->since = column_int64(row, ORIGIN_SINCE);
		origin->home_system = column_int64(row, ORIGIN_HOME_SYSTEM);
		origin->home_database = column_oid(row, ORIGIN_HOME_DATABASE);
		origin->reason = column_text(row, ORIGIN_REASON);
	}
	store_scan_end(&scan);
	return origins;
}

/* Give the tree a name, in this database. */
void
audit_origin_insert(const AuditOrigin *origin)
{
	StoreRow row;

	store_row_init(&row, STORE_AUDIT_ORIGIN);
	row_set_int64(&row, ORIGIN_ORIGIN_ID, origin->origin_id);
	row_set_text(&row, ORIGIN_ORIGIN, origin->origin);
	row_set_int64(&row, ORIGIN_FROM_SIZE, origin->from_size);
	row_set_time(&row, ORIGIN_SINCE, origin->since);
	row_set_home(&row, ORIGIN_HOME_SYSTEM, ORIGIN_HOME_DATABASE);
	row_set_text(&row, ORIGIN_REASON, origin->reason);
	store_insert(&row);
}
