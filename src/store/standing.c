/*
 * standing.c
 *	  The tables standing_approval and standing_use.
 *
 * Owns their descriptors, how a row becomes a struct and back, and the backend's
 * list of a holder's standing approvals, which every proposal asks for.  The
 * uses have a table of their own, since a change of a table that backends keep
 * makes them read it again.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/standing.h"
#include "store/table.h"

const StoreTableInfo standing_table = {
	.name = "standing_approval",
	.id_sequence = "standing_approval_standing_id_seq",
	.columns = STANDING_COLUMNS,
	.cached = true,
	.fixed = (const AttrNumber[]){STANDING_STANDING_ID, STANDING_PROPOSAL_ID, STANDING_TOOL,
								  STANDING_ACTOR_ID, STANDING_DB_ROLE, STANDING_USES,
								  STANDING_ENDS_AT, STANDING_CONDITION, STANDING_MAX_ROWS,
								  STANDING_DESCRIPTION, STANDING_DEFINITION, STANDING_REQUIREMENTS,
								  STANDING_APPROVED_BY, STANDING_STARTED_AT, 0},
	.identifying = (const StoreIdentifying[]){{STANDING_DB_ROLE, IDENTITY_ROLE}, {0}},
	.actor_id = STANDING_ACTOR_ID,
	.ended_at = STANDING_ENDED_AT,
	.insert_call = "propose_action",
	.update_call = "end_standing_approval",
	.delete_call = "end_standing_approval",
};

const StoreTableInfo standing_use_table = {
	.name = "standing_use",
	.columns = STANDING_USE_COLUMNS,
	.fixed = (const AttrNumber[]){STANDING_USE_STANDING_ID, STANDING_USE_ACTOR_ID, 0},
	.insert_call = "propose_action",
	.update_call = "propose_action",
	.delete_call = "end_standing_approval",
};

static void
standing_read(const StoredRow *row, Standing *standing)
{
	memset(standing, 0, sizeof(Standing));
	standing->standing_id = column_int64(row, STANDING_STANDING_ID);
	standing->proposal_id = column_int64(row, STANDING_PROPOSAL_ID);
	standing->tool = column_some_text(row, STANDING_TOOL);
	standing->actor_id = column_int64(row, STANDING_ACTOR_ID);
	standing->db_role = column_some_text(row, STANDING_DB_ROLE);
	standing->uses = column_int64(row, STANDING_USES);
	standing->ends_at = column_int64(row, STANDING_ENDS_AT);
	standing->condition = condition_prepare(column_varlena(row, STANDING_CONDITION));
	standing->max_rows = column_int64_or_null(row, STANDING_MAX_ROWS);
	standing->definition = column_some_varlena(row, STANDING_DEFINITION);
	standing->requirements = column_some_varlena(row, STANDING_REQUIREMENTS);
	standing->approved_by = column_ids(row, STANDING_APPROVED_BY);
	standing->ended = !column_is_null(row, STANDING_ENDED_AT);
}

/* Who holds standing approvals, in order: few of those who propose. */
typedef struct Holders
{
	int count;
	int64 *ids;
} Holders;

static int
compare_ids(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static void *
read_holders(pg_attribute_unused() const void *key)
{
	Holders *holders = palloc0(sizeof(Holders));
	StoreScan scan;
	StoredRow *row;
	int size = 0;

	store_scan_begin(&scan, STORE_STANDING_APPROVAL, "standing_approval_actor_idx", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		if (!column_is_null(row, STANDING_ENDED_AT))
			continue;
		GROW_ARRAY(holders->ids, holders->count, size);
		holders->ids[holders->count++] = column_int64(row, STANDING_ACTOR_ID);
	}
	store_scan_end(&scan);
	return holders;
}

static void *
read_list(const void *actor_id)
{
	StandingList *list = palloc0(sizeof(StandingList));
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int size = 0;

	store_key_int64(&key, STANDING_ACTOR_ID, *(const int64 *) actor_id);
	store_scan_begin(&scan, STORE_STANDING_APPROVAL, "standing_approval_actor_idx", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		if (!column_is_null(row, STANDING_ENDED_AT))
			continue;
		GROW_ARRAY(list->standings, list->count, size);
		standing_read(row, &list->standings[list->count++]);
	}
	store_scan_end(&scan);
	return list;
}

/*
 * Return the standing approvals of a holder that have not been ended, oldest
 * first, perhaps with some that have expired or are used up; valid until the end of the
 * transaction.
 */
const StandingList *
standing_list(int64 actor_id)
{
	static const StandingList none = {0};
	const Holders *holders = store_cached(STORE_STANDING_APPROVAL, "", 0, read_holders);

	if (holders->count == 0 ||
		bsearch(&actor_id, holders->ids, holders->count, sizeof(int64), compare_ids) == NULL)
		return &none;
	return store_cached(STORE_STANDING_APPROVAL, &actor_id, sizeof(actor_id), read_list);
}

static Standing *
standing_make(StoredRow *row)
{
	Standing *standing = palloc(sizeof(Standing));

	standing_read(row, standing);
	standing->row = row;
	return standing;
}

/* Return the standing approval with this id, or NULL. */
Standing *
standing_load(int64 standing_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, STANDING_STANDING_ID, standing_id);
	row = store_fetch(STORE_STANDING_APPROVAL, "standing_approval_pkey", 1, &key);
	return row != NULL ? standing_make(row) : NULL;
}

/* Lock the standing approval for a change.  Waits; returns NULL if it does not exist. */
Standing *
standing_lock(int64 standing_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, STANDING_STANDING_ID, standing_id);
	if (store_lock_row(STORE_STANDING_APPROVAL, "standing_approval_pkey", &key, LockWaitBlock,
					   &row) != STORE_LOCKED)
		return NULL;
	return standing_make(row);
}

/* Whether a standing approval is in force now, by the real clock; it may be used up. */
bool
standing_is_in_force(const Standing *standing)
{
	return !standing->ended && standing->ends_at > GetCurrentTimestamp();
}

/* Whether a proposal has made a standing approval that is in force now. */
bool
standing_is_made_by(int64 proposal_id)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	bool is_made = false;

	store_key_int64(&key, STANDING_PROPOSAL_ID, proposal_id);
	store_scan_begin(&scan, STORE_STANDING_APPROVAL, "standing_approval_proposal_idx", 1, &key);
	while (!is_made && (row = store_scan_next(&scan)) != NULL)
	{
		Standing standing;

		standing_read(row, &standing);
		is_made = standing_is_in_force(&standing);
	}
	store_scan_end(&scan);
	return is_made;
}

/* Add a standing approval that begins now and was never used, and return its id. */
int64
standing_insert(const Standing *standing)
{
	StoreRow row;
	StoreRow use;
	int64 standing_id = store_next_id(STORE_STANDING_APPROVAL);

	store_row_init(&row, STORE_STANDING_APPROVAL);
	row_set_int64(&row, STANDING_STANDING_ID, standing_id);
	row_set_int64(&row, STANDING_PROPOSAL_ID, standing->proposal_id);
	row_set_text(&row, STANDING_TOOL, standing->tool);
	row_set_int64(&row, STANDING_ACTOR_ID, standing->actor_id);
	row_set_text(&row, STANDING_DB_ROLE, standing->db_role);
	row_set_int64(&row, STANDING_USES, standing->uses);
	row_set_time(&row, STANDING_ENDS_AT, standing->ends_at);
	row_set_pointer(&row, STANDING_CONDITION, standing->condition.path);
	row_set_id(&row, STANDING_MAX_ROWS, standing->max_rows);
	row_set_text(&row, STANDING_DESCRIPTION, standing->description);
	row_set_pointer(&row, STANDING_DEFINITION, standing->definition);
	row_set_pointer(&row, STANDING_REQUIREMENTS, standing->requirements);
	row_set_ids(&row, STANDING_APPROVED_BY, standing->approved_by);
	row_set_time(&row, STANDING_STARTED_AT, GetCurrentTimestamp());
	store_insert(&row);

	store_row_init(&use, STORE_STANDING_USE);
	row_set_int64(&use, STANDING_USE_STANDING_ID, standing_id);
	row_set_int64(&use, STANDING_USE_ACTOR_ID, standing->actor_id);
	row_set_int64(&use, STANDING_USE_USED, 0);
	store_insert(&use);
	return standing_id;
}

/* Mark a locked standing approval as ended before its time. */
void
standing_mark_ended(const Standing *standing, const int64 *ended_by, const char *reason)
{
	StoreRow row;

	store_row_init(&row, STORE_STANDING_APPROVAL);
	row_set_time(&row, STANDING_ENDED_AT, GetCurrentTimestamp());
	row_set_id(&row, STANDING_ENDED_BY, ended_by);
	row_set_text(&row, STANDING_END_REASON, reason);
	store_update(&row, standing->row);
}

static void
use_key(ScanKey key, int64 standing_id)
{
	store_key_int64(key, STANDING_USE_STANDING_ID, standing_id);
}

/* How often a standing approval has been used. */
int64
standing_used(int64 standing_id)
{
	ScanKeyData key;
	StoredRow *row;

	use_key(&key, standing_id);
	row = store_fetch(STORE_STANDING_USE, "standing_use_pkey", 1, &key);
	return row != NULL ? column_int64(row, STANDING_USE_USED) : PG_INT64_MAX;
}

/*
 * Lock the uses of a standing approval, to the end of the transaction, and set
 * how many there are.  Waits; returns NULL if the row does not exist.
 */
StoredRow *
standing_use_lock(int64 standing_id, int64 *used)
{
	ScanKeyData key;
	StoredRow *row;

	use_key(&key, standing_id);
	if (store_lock_row(STORE_STANDING_USE, "standing_use_pkey", &key, LockWaitBlock, &row) !=
		STORE_LOCKED)
		return NULL;
	*used = column_int64(row, STANDING_USE_USED);
	return row;
}

/* Write the number of uses of a locked row. */
void
standing_use_count(StoredRow *row, int64 used)
{
	StoreRow use;

	store_row_init(&use, STORE_STANDING_USE);
	row_set_int64(&use, STANDING_USE_USED, used);
	store_update(&use, row);
}
