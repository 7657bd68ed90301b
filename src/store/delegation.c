/*
 * delegation.c
 *	  The table delegation.
 */
#include "postgres.h"

#include "store/delegation.h"

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

static void
add_delegations(DelegationList *list, int *size, AttrNumber column, const char *index,
				int64 actor_id)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;

	store_key_int64(&key, column, actor_id);
	store_scan_begin(&scan, STORE_DELEGATION, index, 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		if (!column_is_null(row, DELEGATION_ENDED_AT))
			continue;
		if (list->count == *size)
		{
			*size *= 2;
			list->delegations = repalloc(list->delegations, *size * sizeof(Delegation));
		}
		delegation_read(row, &list->delegations[list->count++]);
	}
	store_scan_end(&scan);
}

static void *
delegation_list_fetch(const void *actor_id)
{
	DelegationList *list = palloc0(sizeof(DelegationList));
	int size = 2;

	list->delegations = palloc(size * sizeof(Delegation));
	add_delegations(list, &size, DELEGATION_FROM_ACTOR, "delegation_from_idx",
					*(const int64 *) actor_id);
	add_delegations(list, &size, DELEGATION_TO_ACTOR, "delegation_to_idx",
					*(const int64 *) actor_id);
	return list;
}

/*
 * The delegations from an actor and to it that nobody has ended, those whose
 * time has passed included: good to the end of the transaction.
 */
const DelegationList *
delegation_list(int64 actor_id)
{
	return store_cached(STORE_DELEGATION, &actor_id, sizeof(actor_id), delegation_list_fetch);
}

/* The delegation with this id, locked for a change, or NULL; waits. */
Delegation *
delegation_lock(int64 delegation_id)
{
	ScanKeyData key;
	StoredRow *row;
	Delegation *delegation;

	store_key_int64(&key, DELEGATION_DELEGATION_ID, delegation_id);
	if (store_lock_row(STORE_DELEGATION, "delegation_pkey", &key, true, &row) != STORE_LOCKED)
		return NULL;
	delegation = palloc(sizeof(Delegation));
	delegation_read(row, delegation);
	delegation->row = row;
	return delegation;
}

/* Add a delegation, which begins now: returns its id. */
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
