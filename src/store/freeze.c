/*
 * freeze.c
 *	  The table freeze_window.
 *
 * Owns its descriptor, how a row becomes a struct and back, and the backend's
 * list of freezes that were not over when it was read: every execution asks for
 * them.  Whether a freeze stops a call is not its business.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/freeze.h"
#include "store/table.h"

const StoreTableInfo freeze_table = {
	.name = "freeze_window",
	.id_sequence = "freeze_window_freeze_id_seq",
	.columns = FREEZE_COLUMNS,
	.cached = true,
	.fixed = (const AttrNumber[]){FREEZE_FREEZE_ID, FREEZE_TITLE, FREEZE_STARTS_AT, FREEZE_ENDS_AT,
								  FREEZE_TOOL, FREEZE_ADDED_AT, FREEZE_ADDED_BY, 0},
	.ended_at = FREEZE_REMOVED_AT,
	.insert_call = "add_freeze",
	.update_call = "remove_freeze",
	.delete_call = "remove_freeze",
};

static void
freeze_read(Freeze *freeze, const StoredRow *row)
{
	memset(freeze, 0, sizeof(Freeze));
	freeze->freeze_id = column_int64(row, FREEZE_FREEZE_ID);
	freeze->title = column_some_text(row, FREEZE_TITLE);
	freeze->starts_at = column_int64(row, FREEZE_STARTS_AT);
	freeze->ends_at = column_int64(row, FREEZE_ENDS_AT);
	freeze->tool = column_text(row, FREEZE_TOOL);
	freeze->removed = !column_is_null(row, FREEZE_REMOVED_AT);
}

static void *
read_standing_freezes(pg_attribute_unused() const void *key)
{
	FreezeList *list = palloc0(sizeof(FreezeList));
	TimestampTz now = GetCurrentTimestamp();
	StoreScan scan;
	StoredRow *row;
	int size = 0;

	store_scan_begin(&scan, STORE_FREEZE, "freeze_window_standing_idx", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		if (column_int64(row, FREEZE_ENDS_AT) <= now)
			continue;
		GROW_ARRAY(list->freezes, list->count, size);
		freeze_read(&list->freezes[list->count++], row);
	}
	store_scan_end(&scan);
	return list;
}

/*
 * Return the current and future freezes, perhaps with some that are over; valid
 * until the end of the transaction.
 */
const FreezeList *
freeze_list(void)
{
	return store_cached(STORE_FREEZE, "", 0, read_standing_freezes);
}

/* Lock the freeze with this id for a change.  Waits; returns NULL if it does not exist. */
Freeze *
freeze_lock(int64 freeze_id)
{
	ScanKeyData key;
	StoredRow *row;
	Freeze *freeze;

	store_key_int64(&key, FREEZE_FREEZE_ID, freeze_id);
	if (store_lock_row(STORE_FREEZE, "freeze_window_pkey", &key, LockWaitBlock, &row) !=
		STORE_LOCKED)
		return NULL;
	freeze = palloc(sizeof(Freeze));
	freeze_read(freeze, row);
	freeze->row = row;
	return freeze;
}

void
freeze_insert(const Freeze *freeze, const int64 *added_by)
{
	StoreRow row;

	store_row_init(&row, STORE_FREEZE);
	row_set_int64(&row, FREEZE_FREEZE_ID, freeze->freeze_id);
	row_set_text(&row, FREEZE_TITLE, freeze->title);
	row_set(&row, FREEZE_STARTS_AT, TimestampTzGetDatum(freeze->starts_at));
	row_set(&row, FREEZE_ENDS_AT, TimestampTzGetDatum(freeze->ends_at));
	row_set_text(&row, FREEZE_TOOL, freeze->tool);
	row_set_time(&row, FREEZE_ADDED_AT, GetCurrentTimestamp());
	row_set_id(&row, FREEZE_ADDED_BY, added_by);
	store_insert(&row);
}

/* Mark a locked freeze as removed. */
void
freeze_mark_removed(Freeze *freeze, const int64 *removed_by)
{
	StoreRow row;

	store_row_init(&row, STORE_FREEZE);
	row_set_time(&row, FREEZE_REMOVED_AT, GetCurrentTimestamp());
	row_set_id(&row, FREEZE_REMOVED_BY, removed_by);
	store_update(&row, freeze->row);
}
