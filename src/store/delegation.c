/*
 * delegation.c
 *	  The table delegation.
 *
 * It owns the descriptor of the table, how a row becomes a struct and back, and
 * whether a delegation is in force now.  It does not know who may read or write a
 * row.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/delegation.h"
#include "store/table.h"

const StoreTableInfo delegation_table = {
	.name = "delegation",
	.id_sequence = "delegation_delegation_id_seq",
	.columns = DELEGATION_COLUMNS,
	.cached = true,
	.fixed = (const AttrNumber[]){DELEGATION_DELEGATION_ID, DELEGATION_FROM_ACTOR,
								  DELEGATION_TO_ACTOR, DELEGATION_DELEGATED_AT,
								  DELEGATION_DELEGATED_BY, DELEGATION_ENDS_AT, 0},
	.ended_at = DELEGATION_ENDED_AT,
	.insert_call = "delegate_review",
	.update_call = "end_delegation",
	.delete_call = "end_delegation",
};

static void
delegation_read(const StoredRow *row, Delegation *delegation)
{
	delegation->delegation_id = column_int64(row, DELEGATION_DELEGATION_ID);
	delegation->from_actor = column_int64(row, DELEGATION_FROM_ACTOR);
	delegation->to_actor = column_int64(row, DELEGATION_TO_ACTOR);
	delegation->ends_at = column_int64(row, DELEGATION_ENDS_AT);
	delegation->ended = !column_is_null(row, DELEGATION_ENDED_AT);
	delegation->row = NULL;
}

static void *
read_standing_delegations(pg_attribute_unused() const void *key)
{
	DelegationList *list = palloc0(sizeof(DelegationList));
	TimestampTz now = GetCurrentTimestamp();
	StoreScan scan;
	StoredRow *row;
	int size = 0;

	store_scan_begin(&scan, STORE_DELEGATION, "delegation_standing_idx", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		if (column_int64(row, DELEGATION_ENDS_AT) <= now)
			continue;
		GROW_ARRAY(list->delegations, list->count, size);
		delegation_read(row, &list->delegations[list->count++]);
	}
	store_scan_end(&scan);
	return list;
}

/*
 * Return the delegations that have not been ended, perhaps with some that have
 * expired; valid until the end of the transaction.
 */
const DelegationList *
delegation_list(void)
{
	return store_cached(STORE_DELEGATION, "", 0, read_standing_delegations);
}

static Delegation *
delegation_make(StoredRow *row)
{
	Delegation *delegation = palloc(sizeof(Delegation));

	delegation_read(row, delegation);
	delegation->row = row;
	return delegation;
}

/* Whether a delegation is in force now, by the real clock. */
bool
delegation_is_in_force(const Delegation *delegation)
{
	return !delegation->ended && delegation->ends_at > GetCurrentTimestamp();
}

/* Return the delegation with this id, or NULL. */
Delegation *
delegation_load(int64 delegation_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, DELEGATION_DELEGATION_ID, delegation_id);
	row = store_fetch(STORE_DELEGATION, "delegation_pkey", 1, &key);
	return row != NULL ? delegation_make(row) : NULL;
}

/* Lock the delegation for a change.  Waits; returns NULL if it does not exist. */
Delegation *
delegation_lock(int64 delegation_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, DELEGATION_DELEGATION_ID, delegation_id);
	if (store_lock_row(STORE_DELEGATION, "delegation_pkey", &key, LockWaitBlock, &row) !=
		STORE_LOCKED)
		return NULL;
	return delegation_make(row);
}

/* Add a delegation that begins now, and return its id. */
int64
delegation_insert(const Delegation *delegation, const int64 *delegated_by)
{
	StoreRow row;
	int64 delegation_id = store_next_id(STORE_DELEGATION);

	store_row_init(&row, STORE_DELEGATION);
	row_set_int64(&row, DELEGATION_DELEGATION_ID, delegation_id);
	row_set_int64(&row, DELEGATION_FROM_ACTOR, delegation->from_actor);
	row_set_int64(&row, DELEGATION_TO_ACTOR, delegation->to_actor);
	row_set_time(&row, DELEGATION_DELEGATED_AT, GetCurrentTimestamp());
	row_set_id(&row, DELEGATION_DELEGATED_BY, delegated_by);
	row_set_time(&row, DELEGATION_ENDS_AT, delegation->ends_at);
	store_insert(&row);
	return delegation_id;
}

/* Mark a locked delegation as ended before its time. */
void
delegation_end(const Delegation *delegation, const int64 *ended_by)
{
	StoreRow row;

	store_row_init(&row, STORE_DELEGATION);
	row_set_time(&row, DELEGATION_ENDED_AT, GetCurrentTimestamp());
	row_set_id(&row, DELEGATION_ENDED_BY, ended_by);
	store_update(&row, delegation->row);
}
