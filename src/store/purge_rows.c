/*
 * purge_rows.c
 *	  Deletes the rows of purged workflows.
 *
 * The descriptor of each table says which of its rows belong to a workflow, a
 * proposal or an execution.  Rows of the audit log are not deleted here but one by
 * one, by who has looked at each.  What is purged, and when, is not the business
 * of this file.
 */
#include "postgres.h"

#include "store/execution.h"
#include "store/purge_rows.h"
#include "store/table.h"

/* What rows belong to. */
typedef enum RowOwner
{
	OWNER_WORKFLOW,
	OWNER_PROPOSAL,
	OWNER_EXECUTION
} RowOwner;

static bool
is_purged_by(const StoreTableInfo *info, RowOwner owner)
{
	const AttrNumber columns[] = {[OWNER_WORKFLOW] = info->workflow_id,
								  [OWNER_PROPOSAL] = info->proposal_id,
								  [OWNER_EXECUTION] = info->execution_id};

	return info->purged_by != 0 && info->purged_by == columns[owner];
}

static void
delete_rows_of_owner(StoreTable table, int64 id)
{
	const StoreTableInfo *info = store_table_info(table);
	ScanKeyData key;
	StoreScan scan;

	store_key_int64(&key, info->purged_by, id);
	store_scan_begin(&scan, table, info->purge_index, 1, &key);
	while (store_scan_next(&scan) != NULL)
		store_delete(table, store_scan_copy(&scan));
	store_scan_end(&scan);
}

/* Delete rows of all tables, children before parents: the list of tables has these first. */
static void
delete_rows_of(RowOwner owner, int64 id)
{
	for (int table = STORE_TABLE_COUNT - 1; table >= 0; table--)
		if (is_purged_by(store_table_info((StoreTable) table), owner))
			delete_rows_of_owner((StoreTable) table, id);
}

/* Delete all that belongs to a proposal, but not the proposal itself nor its audit rows. */
void
purge_rows_of_proposal(int64 proposal_id)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;

	store_key_int64(&key, execution_table.purged_by, proposal_id);
	store_scan_begin(&scan, STORE_EXECUTION, execution_table.purge_index, 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
		delete_rows_of(OWNER_EXECUTION, column_int64(row, EXECUTION_EXECUTION_ID));
	store_scan_end(&scan);
	delete_rows_of(OWNER_PROPOSAL, proposal_id);
}

/* Delete a workflow and its proposals, but not its audit rows; the rest has been deleted. */
void
purge_rows_of_workflow(int64 workflow_id)
{
	delete_rows_of(OWNER_WORKFLOW, workflow_id);
}
