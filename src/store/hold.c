/*
 * hold.c
 *	  The table workflow_hold.
 *
 * Owns its descriptor and how a row becomes a struct and back.  Who may set or
 * release a hold, and what a hold keeps from happening, is not its business.
 */
#include "postgres.h"

#include "store/hold.h"

const StoreTableInfo hold_table = {
	.name = "workflow_hold",
	.id_sequence = "workflow_hold_hold_id_seq",
	.columns = HOLD_COLUMNS,
	.fixed = (const AttrNumber[]){HOLD_HOLD_ID, HOLD_WORKFLOW_ID, HOLD_HELD_AT, HOLD_HELD_BY,
								  HOLD_REASON, 0},
	.ended_at = HOLD_RELEASED_AT,
	.workflow_id = HOLD_WORKFLOW_ID,
	.purged_by = HOLD_WORKFLOW_ID,
	.purge_index = "workflow_hold_workflow_idx",
	.insert_call = "hold_workflow",
	.update_call = "release_hold",
	.delete_call = "release_hold",
};

/* Return the hold that stands on a workflow, or NULL. */
Hold *
hold_find(int64 workflow_id)
{
	ScanKeyData key;
	StoredRow *row;
	Hold *hold;

	store_key_int64(&key, HOLD_WORKFLOW_ID, workflow_id);
	row = store_fetch(STORE_WORKFLOW_HOLD, "workflow_hold_standing_idx", 1, &key);
	if (row == NULL)
		return NULL;
	hold = palloc(sizeof(Hold));
	hold->hold_id = column_int64(row, HOLD_HOLD_ID);
	hold->reason = column_text(row, HOLD_REASON);
	hold->row = row;
	return hold;
}

/* Set a hold on a workflow, whose lock the caller has: returns its id. */
int64
hold_insert(int64 workflow_id, const int64 *held_by, const char *reason)
{
	int64 hold_id = store_next_id(STORE_WORKFLOW_HOLD);
	StoreRow row;

	store_row_init(&row, STORE_WORKFLOW_HOLD);
	row_set_int64(&row, HOLD_HOLD_ID, hold_id);
	row_set_int64(&row, HOLD_WORKFLOW_ID, workflow_id);
	row_set_time(&row, HOLD_HELD_AT, GetCurrentTimestamp());
	row_set_id(&row, HOLD_HELD_BY, held_by);
	row_set_text(&row, HOLD_REASON, reason);
	store_insert(&row);
	return hold_id;
}

/* Release a hold; the caller has the lock of its workflow. */
void
hold_mark_released(const Hold *hold, const int64 *released_by, const char *reason)
{
	StoreRow row;

	store_row_init(&row, STORE_WORKFLOW_HOLD);
	row_set_time(&row, HOLD_RELEASED_AT, GetCurrentTimestamp());
	row_set_id(&row, HOLD_RELEASED_BY, released_by);
	row_set_text(&row, HOLD_RELEASE_REASON, reason);
	store_update(&row, hold->row);
}
