/*
 * execution.c
 *	  The table execution.
 */
#include "postgres.h"

#include "store/execution.h"
#include "store/table.h"

void
execution_insert(const Execution *execution)
{
	StoreRow row;

	store_row_init(&row, STORE_EXECUTION);
	row_set_int64(&row, EXECUTION_EXECUTION_ID, execution->execution_id);
	row_set_int64(&row, EXECUTION_PROPOSAL_ID, execution->proposal_id);
	row_set_int64(&row, EXECUTION_WORKFLOW_ID, execution->workflow_id);
	row_set_int64(&row, EXECUTION_REVISION, execution->revision);
	row_set_id(&row, EXECUTION_ACTOR_ID, execution->actor_id);
	row_set_enum(&row, EXECUTION_STATUS, &execution_status_type, execution->status);
	row_set_bool(&row, EXECUTION_DRY_RUN, execution->dry_run);
	row_set_int64(&row, EXECUTION_ATTEMPT, execution->attempt);
	row_set_time(&row, EXECUTION_STARTED_AT, execution->started_at);
	row_set_time(&row, EXECUTION_FINISHED_AT, execution->finished_at);
	row_set_pointer(&row, EXECUTION_RESULT, execution->result);
	store_insert(&row);
}

/* All executions of a proposal. */
Execution *
execution_list(int64 proposal_id, int *count)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int size = 4;
	Execution *executions = palloc(size * sizeof(Execution));

	*count = 0;
	store_key_int64(&key, EXECUTION_PROPOSAL_ID, proposal_id);
	store_scan_begin(&scan, STORE_EXECUTION, "execution_proposal_idx", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		Execution *execution;

		if (*count == size)
		{
			size *= 2;
			executions = repalloc(executions, size * sizeof(Execution));
		}
		execution = &executions[(*count)++];
		memset(execution, 0, sizeof(Execution));
		execution->execution_id = column_int64(row, EXECUTION_EXECUTION_ID);
		execution->proposal_id = proposal_id;
		execution->workflow_id = column_int64(row, EXECUTION_WORKFLOW_ID);
		execution->revision = column_int64(row, EXECUTION_REVISION);
		execution->actor_id = column_int64_or_null(row, EXECUTION_ACTOR_ID);
		execution->status = column_enum(row, EXECUTION_STATUS, &execution_status_type);
		execution->dry_run = column_bool(row, EXECUTION_DRY_RUN);
		execution->attempt = column_int64(row, EXECUTION_ATTEMPT);
		execution->result = column_varlena(row, EXECUTION_RESULT);
	}
	store_scan_end(&scan);
	return executions;
}
