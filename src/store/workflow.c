/*
 * workflow.c
 *	  The table workflow.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "store/table.h"
#include "store/workflow.h"

const StoreTableInfo workflow_table = {
	.name = "workflow",
	.id_sequence = "workflow_workflow_id_seq",
	.columns = WORKFLOW_COLUMNS,
	.fixed = (const AttrNumber[]){WORKFLOW_WORKFLOW_ID, WORKFLOW_ACTOR_ID, WORKFLOW_DRY_RUN,
								  WORKFLOW_TITLE, WORKFLOW_METADATA, WORKFLOW_STARTED_AT, 0},
	.status = WORKFLOW_STATUS,
	.object = OBJECT_WORKFLOW,
	.workflow_id = WORKFLOW_WORKFLOW_ID,
	.purged_by = WORKFLOW_WORKFLOW_ID,
	.purge_index = "workflow_pkey",
	.insert_call = "start_workflow",
	.update_call = "complete_workflow",
	.delete_call = "cancel_workflow",
};

static Workflow *
workflow_read(StoredRow *row)
{
	Workflow *workflow = palloc0(sizeof(Workflow));

	workflow->workflow_id = column_int64(row, WORKFLOW_WORKFLOW_ID);
	workflow->actor_id = column_int64_or_null(row, WORKFLOW_ACTOR_ID);
	workflow->status = column_enum(row, WORKFLOW_STATUS, &workflow_status_type);
	workflow->dry_run = column_bool(row, WORKFLOW_DRY_RUN);
	workflow->row = row;
	return workflow;
}

/* Return the workflow with this id, or NULL. */
Workflow *
workflow_load(int64 workflow_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, WORKFLOW_WORKFLOW_ID, workflow_id);
	row = store_fetch(STORE_WORKFLOW, "workflow_pkey", 1, &key);
	return row != NULL ? workflow_read(row) : NULL;
}

/* Lock the workflow for a change.  Waits; returns NULL if it does not exist. */
Workflow *
workflow_lock(int64 workflow_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, WORKFLOW_WORKFLOW_ID, workflow_id);
	if (store_lock_row(STORE_WORKFLOW, "workflow_pkey", &key, LockWaitBlock, &row) != STORE_LOCKED)
		return NULL;
	return workflow_read(row);
}

/*
 * Keep a workflow from being purged, to the end of the transaction, and nothing else.
 * Waits; returns false if it does not exist.
 */
bool
workflow_keep(int64 workflow_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, WORKFLOW_WORKFLOW_ID, workflow_id);
	return store_lock_row_as(LockTupleKeyShare, STORE_WORKFLOW, "workflow_pkey", &key,
							 LockWaitBlock, &row) == STORE_LOCKED;
}

/* Lock a workflow that is to be purged, against everybody, without waiting. */
StoreLock
workflow_lock_to_purge(int64 workflow_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, WORKFLOW_WORKFLOW_ID, workflow_id);
	return store_lock_row_as(LockTupleExclusive, STORE_WORKFLOW, "workflow_pkey", &key,
							 LockWaitSkip, &row);
}

/* Begin to read the workflows that ended before a time, the oldest end first. */
void
workflow_scan_ended_begin(StoreScan *scan, TimestampTz before)
{
	ScanKeyData key;

	store_key_time_before(&key, WORKFLOW_ENDED_AT, before);
	store_scan_begin(scan, STORE_WORKFLOW, "workflow_ended_at_idx", 1, &key);
}

/* Read the id of the next one.  Returns false after the last. */
bool
workflow_scan_ended_next(StoreScan *scan, int64 *workflow_id)
{
	const StoredRow *row = store_scan_next(scan);

	if (row == NULL)
		return false;
	*workflow_id = column_int64(row, WORKFLOW_WORKFLOW_ID);
	return true;
}

/* Few calls need this, so it is read on demand. */
char *
workflow_title(const Workflow *workflow)
{
	return column_text(workflow->row, WORKFLOW_TITLE);
}

Jsonb *
workflow_metadata(const Workflow *workflow)
{
	return column_varlena(workflow->row, WORKFLOW_METADATA);
}
