/*
 * execution.c
 *	  The table execution.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/execution.h"
#include "store/table.h"

const StoreTableInfo execution_table = {
	.name = "execution",
	.id_sequence = "execution_execution_id_seq",
	.columns = EXECUTION_COLUMNS,
	.fixed = (const AttrNumber[]){EXECUTION_EXECUTION_ID, EXECUTION_PROPOSAL_ID,
								  EXECUTION_PROPOSED_BY, EXECUTION_WORKFLOW_ID, EXECUTION_REVISION,
								  EXECUTION_ACTOR_ID, EXECUTION_QUEUED_AT, EXECUTION_LOGIN, 0},
	.status = EXECUTION_STATUS,
	.object = OBJECT_EXECUTION,
	.personal = (const StorePersonal[]){{EXECUTION_END_REASON, REDACTED_TO_NULL},
										{EXECUTION_RESULT, REDACTED_TO_FACTS},
										{0}},
	.identifying = (const StoreIdentifying[]){{EXECUTION_LOGIN, IDENTITY_ROLE}, {0}},
	.actor_id = EXECUTION_ACTOR_ID,
	.workflow_id = EXECUTION_WORKFLOW_ID,
	.proposal_id = EXECUTION_PROPOSAL_ID,
	.execution_id = EXECUTION_EXECUTION_ID,
	.proposed_by = EXECUTION_PROPOSED_BY,
	.purged_by = EXECUTION_PROPOSAL_ID,
	.purge_index = "execution_once_idx",
	.insert_call = "execute_action",
	.update_call = "cancel_execution",
};

static void
execution_read(const StoredRow *row, Execution *execution)
{
	memset(execution, 0, sizeof(Execution));
	execution->execution_id = column_int64(row, EXECUTION_EXECUTION_ID);
	execution->proposal_id = column_int64(row, EXECUTION_PROPOSAL_ID);
	if (!column_is_null(row, EXECUTION_PROPOSED_BY))
		execution->proposed_by = column_int64(row, EXECUTION_PROPOSED_BY);
	execution->workflow_id = column_int64(row, EXECUTION_WORKFLOW_ID);
	execution->revision = column_int64(row, EXECUTION_REVISION);
	execution->actor_id = column_int64_or_null(row, EXECUTION_ACTOR_ID);
	execution->status = column_enum(row, EXECUTION_STATUS, &execution_status_type);
	execution->dry_run = column_bool(row, EXECUTION_DRY_RUN);
	execution->attempt = column_int64(row, EXECUTION_ATTEMPT);
	if (!column_is_null(row, EXECUTION_QUEUED_AT))
		execution->queued_at = column_int64(row, EXECUTION_QUEUED_AT);
	if (!column_is_null(row, EXECUTION_STARTED_AT))
		execution->started_at = column_int64(row, EXECUTION_STARTED_AT);
	execution->login = column_text(row, EXECUTION_LOGIN);
	execution->result = column_varlena(row, EXECUTION_RESULT);
}

/* Set the columns that show how far an execution has come. */
static void
set_progress(StoreRow *row, const Execution *execution)
{
	row_set_enum(row, EXECUTION_STATUS, &execution_status_type, execution->status);
	row_set_int64(row, EXECUTION_ATTEMPT, execution->attempt);
	row_set_time(row, EXECUTION_STARTED_AT, execution->started_at);
	row_set_time(row, EXECUTION_FINISHED_AT, execution->finished_at);
	row_set_id(row, EXECUTION_ENDED_BY, execution->ended_by);
	row_set_text(row, EXECUTION_END_REASON, execution->end_reason);
	row_set_pointer(row, EXECUTION_RESULT, execution->result);
}

void
execution_insert(const Execution *execution)
{
	StoreRow row;

	store_row_init(&row, STORE_EXECUTION);
	row_set_int64(&row, EXECUTION_EXECUTION_ID, execution->execution_id);
	row_set_int64(&row, EXECUTION_PROPOSAL_ID, execution->proposal_id);
	row_set_int64(&row, EXECUTION_PROPOSED_BY, execution->proposed_by);
	row_set_int64(&row, EXECUTION_WORKFLOW_ID, execution->workflow_id);
	row_set_int64(&row, EXECUTION_REVISION, execution->revision);
	row_set_id(&row, EXECUTION_ACTOR_ID, execution->actor_id);
	row_set_bool(&row, EXECUTION_DRY_RUN, execution->dry_run);
	row_set_time(&row, EXECUTION_QUEUED_AT, execution->queued_at);
	row_set_text(&row, EXECUTION_LOGIN, execution->login);
	set_progress(&row, execution);
	store_insert(&row);
}

/* Write how far a queued execution has come.  Its proposal must be locked. */
void
execution_update(const Execution *execution)
{
	StoreRow row;

	store_row_init(&row, STORE_EXECUTION);
	row_set_bool(&row, EXECUTION_DRY_RUN, execution->dry_run);
	set_progress(&row, execution);
	store_update(&row, execution->row);
}

/* Return the execution with this id, or NULL. */
Execution *
execution_load(int64 execution_id)
{
	ScanKeyData key;
	StoredRow *row;
	Execution *execution;

	store_key_int64(&key, EXECUTION_EXECUTION_ID, execution_id);
	row = store_fetch(STORE_EXECUTION, "execution_pkey", 1, &key);
	if (row == NULL)
		return NULL;
	execution = palloc(sizeof(Execution));
	execution_read(row, execution);
	execution->row = row;
	return execution;
}

/* Return all executions of a proposal. */
Execution *
execution_list(int64 proposal_id, int *count)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	Execution *executions = NULL;

	*count = 0;
	store_key_int64(&key, EXECUTION_PROPOSAL_ID, proposal_id);
	store_scan_begin(&scan, STORE_EXECUTION, "execution_once_idx", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		GROW_ARRAY(executions, *count, size);
		execution_read(row, &executions[(*count)++]);
	}
	store_scan_end(&scan);
	return executions;
}
