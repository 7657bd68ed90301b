/*
 * workflow.c
 *	  The table workflow.
 */
#include "postgres.h"

#include "store/table.h"
#include "store/workflow.h"

static Workflow *
workflow_read(HeapTuple tuple, TupleDesc desc)
{
	Workflow *workflow = palloc0(sizeof(Workflow));

	workflow->workflow_id = column_int64(tuple, desc, WORKFLOW_WORKFLOW_ID);
	workflow->actor_id = column_int64_or_null(tuple, desc, WORKFLOW_ACTOR_ID);
	workflow->status = column_enum(tuple, desc, WORKFLOW_STATUS, &workflow_status_type);
	workflow->dry_run = column_bool(tuple, desc, WORKFLOW_DRY_RUN);
	workflow->tuple = tuple;
	return workflow;
}

/* The workflow with this id, or NULL. */
Workflow *
workflow_load(int64 workflow_id)
{
	ScanKeyData key;
	TupleDesc desc;
	HeapTuple tuple;

	store_key_int64(&key, WORKFLOW_WORKFLOW_ID, workflow_id);
	tuple = store_fetch(STORE_WORKFLOW, "workflow_pkey", 1, &key, &desc);
	return tuple != NULL ? workflow_read(tuple, desc) : NULL;
}

/* The same, locked for a change; waits. */
Workflow *
workflow_lock(int64 workflow_id)
{
	ScanKeyData key;
	TupleDesc desc;
	HeapTuple tuple;

	store_key_int64(&key, WORKFLOW_WORKFLOW_ID, workflow_id);
	if (store_lock_row(STORE_WORKFLOW, "workflow_pkey", &key, true, &tuple, &desc) != STORE_LOCKED)
		return NULL;
	return workflow_read(tuple, desc);
}
