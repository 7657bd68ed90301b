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
