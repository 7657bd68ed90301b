/*
 * audit_anchor.c
 *	  The table audit_anchor.
 *
 * Owns its descriptor and how a row becomes a struct and back.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/audit_anchor.h"
#include "utils/timestamp.h"

const StoreTableInfo audit_anchor_table = {
	.name = "audit_anchor",
	.id_sequence = "audit_anchor_anchor_id_seq",
	.columns = ANCHOR_COLUMNS,
	.append_only = true,
	.insert_call = "record_anchor",
};

void
anchor_insert(const Anchor *anchor)
{
	StoreRow row;

	store_row_init(&row, STORE_AUDIT_ANCHOR);
	row_set_int64(&row, ANCHOR_ANCHOR_ID, anchor->anchor_id);
	row_set_text(&row, ANCHOR_ORIGIN, anchor->checkpoint.origin);
	row_set_int64(&row, ANCHOR_SIZE, anchor->checkpoint.size);
	row_set_pointer(&row, ANCHOR_ROOT, sha256_value(anchor->checkpoint.root.bytes));
	row_set_text(&row, ANCHOR_KIND, anchor->kind);
	row_set_text(&row, ANCHOR_CHECKPOINT, anchor->text);
	row_set_pointer(&row, ANCHOR_PROOF, anchor->proof);
	row_set_time(&row, ANCHOR_RECORDED_AT, GetCurrentTimestamp());
	row_set_id(&row, ANCHOR_ACTOR_ID, anchor->actor_id);
	store_insert(&row);
}

/* Return all anchors, oldest first. */
Anchor *
anchor_list(int *count)
{
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	Anchor *anchors = NULL;

	*count = 0;
	store_scan_begin(&scan, STORE_AUDIT_ANCHOR, "audit_anchor_pkey", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		Anchor *anchor;

		GROW_ARRAY(anchors, *count, size);
		anchor = &anchors[(*count)++];
		memset(anchor, 0, sizeof(Anchor));
		anchor->anchor_id = column_int64(row, ANCHOR_ANCHOR_ID);
		anchor->checkpoint.origin = column_some_text(row, ANCHOR_ORIGIN);
		anchor->checkpoint.size = column_int64(row, ANCHOR_SIZE);
		column_bytes(row, ANCHOR_ROOT, anchor->checkpoint.root.bytes, SHA256_LENGTH);
		anchor->kind = column_some_text(row, ANCHOR_KIND);
	}
	store_scan_end(&scan);
	return anchors;
}
