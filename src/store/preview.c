/*
 * preview.c
 *	  The table preview.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "store/preview.h"
#include "store/table.h"

const StoreTableInfo preview_table = {
	.name = "preview",
	.id_sequence = "preview_preview_id_seq",
	.columns = PREVIEW_COLUMNS,
	.append_only = true,
	.personal = (const StorePersonal[]){{PREVIEW_PREVIEW, REDACTED_TO_EMPTY}, {0}},
	.workflow_id = PREVIEW_WORKFLOW_ID,
	.proposal_id = PREVIEW_PROPOSAL_ID,
	.purged_by = PREVIEW_PROPOSAL_ID,
	.purge_index = "preview_proposal_idx",
	.insert_call = "preview_action",
};

/* Return the preview with this id, without its result, or NULL. */
Preview *
preview_load(int64 preview_id)
{
	ScanKeyData key;
	StoredRow *row;
	Preview *preview;

	store_key_int64(&key, PREVIEW_PREVIEW_ID, preview_id);
	row = store_fetch(STORE_PREVIEW, "preview_pkey", 1, &key);
	if (row == NULL)
		return NULL;
	preview = palloc0(sizeof(Preview));
	preview->preview_id = preview_id;
	preview->proposal_id = column_int64(row, PREVIEW_PROPOSAL_ID);
	preview->workflow_id = column_int64(row, PREVIEW_WORKFLOW_ID);
	preview->revision = column_int64(row, PREVIEW_REVISION);
	preview->actor_id = column_int64_or_null(row, PREVIEW_ACTOR_ID);
	preview->previewed_at = column_int64(row, PREVIEW_PREVIEWED_AT);
	return preview;
}

void
preview_insert(const Preview *preview)
{
	StoreRow row;

	store_row_init(&row, STORE_PREVIEW);
	row_set_int64(&row, PREVIEW_PREVIEW_ID, preview->preview_id);
	row_set_int64(&row, PREVIEW_PROPOSAL_ID, preview->proposal_id);
	row_set_int64(&row, PREVIEW_WORKFLOW_ID, preview->workflow_id);
	row_set_int64(&row, PREVIEW_REVISION, preview->revision);
	row_set_id(&row, PREVIEW_ACTOR_ID, preview->actor_id);
	row_set_time(&row, PREVIEW_PREVIEWED_AT, preview->previewed_at);
	row_set_pointer(&row, PREVIEW_PREVIEW, preview->preview);
	store_insert(&row);
}
