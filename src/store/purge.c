/*
 * purge.c
 *	  The tables audit_purge, purged_leaf and purged_key: what stays of purged workflows.
 *
 * Owns their descriptors, how rows become structs and back, and what a purged
 * idempotency key is kept as.  What is purged, and when, is not its business.
 */
#include "postgres.h"

#include "base/grow.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "port/pg_bswap.h"
#include "store/purge.h"

const StoreTableInfo purge_table = {
	.name = "audit_purge",
	.id_sequence = "audit_purge_purge_id_seq",
	.columns = PURGE_COLUMNS,
	.append_only = true,
	.insert_call = "purge_workflows",
};

const StoreTableInfo purged_leaf_table = {
	.name = "purged_leaf",
	.columns = PURGED_LEAF_COLUMNS,
	.append_only = true,
	.insert_call = "purge_workflows",
};

const StoreTableInfo purged_key_table = {
	.name = "purged_key",
	.columns = PURGED_KEY_COLUMNS,
	.append_only = true,
	.insert_call = "purge_workflows",
};

/* Write a purge, whose id comes from store_next_id(). */
void
purge_insert(const Purge *purge)
{
	StoreRow row;

	store_row_init(&row, STORE_AUDIT_PURGE);
	row_set_int64(&row, PURGE_PURGE_ID, purge->purge_id);
	row_set_time(&row, PURGE_PURGED_AT, purge->purged_at);
	row_set_id(&row, PURGE_PURGED_BY, purge->purged_by);
	row_set_time(&row, PURGE_ENDED_BEFORE, purge->ended_before);
	row_set_int64(&row, PURGE_WORKFLOWS, purge->workflows);
	row_set_int64(&row, PURGE_PROPOSALS, purge->proposals);
	row_set_int64(&row, PURGE_LEAVES, purge->leaves);
	row_set_pointer(&row, PURGE_LEAVES_SHA256, sha256_value(purge->leaves_sha256.bytes));
	row_set_int64(&row, PURGE_TRAIL, purge->trail);
	store_insert(&row);
}

static void
purge_read(const StoredRow *row, Purge *purge)
{
	purge->purge_id = column_int64(row, PURGE_PURGE_ID);
	purge->purged_at = column_int64(row, PURGE_PURGED_AT);
	purge->purged_by = column_int64_or_null(row, PURGE_PURGED_BY);
	purge->ended_before = column_int64(row, PURGE_ENDED_BEFORE);
	purge->workflows = column_int64(row, PURGE_WORKFLOWS);
	purge->proposals = column_int64(row, PURGE_PROPOSALS);
	purge->leaves = column_int64(row, PURGE_LEAVES);
	column_bytes(row, PURGE_LEAVES_SHA256, purge->leaves_sha256.bytes, SHA256_LENGTH);
	purge->trail = column_int64(row, PURGE_TRAIL);
}

/* Return the purge with this id, or NULL. */
Purge *
purge_load(int64 purge_id)
{
	ScanKeyData key;
	StoredRow *row;
	Purge *purge;

	store_key_int64(&key, PURGE_PURGE_ID, purge_id);
	row = store_fetch(STORE_AUDIT_PURGE, "audit_purge_pkey", 1, &key);
	if (row == NULL)
		return NULL;
	purge = palloc(sizeof(Purge));
	purge_read(row, purge);
	return purge;
}

/* Return all purges, in their order. */
Purge *
purge_list(int *count)
{
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	Purge *list = NULL;

	*count = 0;
	store_scan_begin(&scan, STORE_AUDIT_PURGE, "audit_purge_pkey", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		GROW_ARRAY(list, *count, size);
		purge_read(row, &list[(*count)++]);
	}
	store_scan_end(&scan);
	return list;
}

/* Write a range of purged leaves, which overlaps no other. */
void
purged_leaves_insert(const PurgedLeaves *leaves)
{
	StoreRow row;

	store_row_init(&row, STORE_PURGED_LEAF);
	row_set_int64(&row, PURGED_LEAF_LAST_LEAF, leaves->last);
	row_set_int64(&row, PURGED_LEAF_FIRST_LEAF, leaves->first);
	row_set_int64(&row, PURGED_LEAF_PURGE_ID, leaves->purge_id);
	store_insert(&row);
}

/*
 * Return the ranges of purged leaves that have any from first to last, in order.
 * They may begin before first and end after last.
 */
PurgedLeaves *
purged_leaves_list(int64 first, int64 last, int *count)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	PurgedLeaves *list = NULL;

	*count = 0;
	store_key_int64_after(&key, PURGED_LEAF_LAST_LEAF, first - 1);
	store_scan_begin(&scan, STORE_PURGED_LEAF, "purged_leaf_pkey", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL &&
		   column_int64(row, PURGED_LEAF_FIRST_LEAF) <= last)
	{
		PurgedLeaves *leaves;

		GROW_ARRAY(list, *count, size);
		leaves = &list[(*count)++];
		leaves->first = column_int64(row, PURGED_LEAF_FIRST_LEAF);
		leaves->last = column_int64(row, PURGED_LEAF_LAST_LEAF);
		leaves->purge_id = column_int64(row, PURGED_LEAF_PURGE_ID);
	}
	store_scan_end(&scan);
	return list;
}

/* Whether the row of a leaf was purged. */
bool
leaf_is_purged(int64 leaf_index)
{
	int count;

	(void) purged_leaves_list(leaf_index, leaf_index, &count);
	return count > 0;
}

/*
 * Begin to read the ranges of purged leaves by their purges, in order, of one purge or
 * if purge_id is NULL of all; store_scan_end() ends it.
 */
void
purged_leaves_scan_begin(StoreScan *scan, const int64 *purge_id)
{
	ScanKeyData key;

	if (purge_id != NULL)
		store_key_int64(&key, PURGED_LEAF_PURGE_ID, *purge_id);
	store_scan_begin(scan, STORE_PURGED_LEAF, "purged_leaf_purge_idx", purge_id != NULL ? 1 : 0,
					 &key);
}

/* Read the next range.  Returns false after the last. */
bool
purged_leaves_scan_next(StoreScan *scan, PurgedLeaves *leaves)
{
	const StoredRow *row = store_scan_next(scan);

	if (row == NULL)
		return false;
	leaves->first = column_int64(row, PURGED_LEAF_FIRST_LEAF);
	leaves->last = column_int64(row, PURGED_LEAF_LAST_LEAF);
	leaves->purge_id = column_int64(row, PURGED_LEAF_PURGE_ID);
	return true;
}

/* What is kept of an actor's idempotency key. */
static bytea *
key_hash(int64 actor_id, const char *idempotency_key)
{
	uint64 id = pg_hton64((uint64) actor_id);
	Size length = strlen(idempotency_key);
	const char *utf8 = utf8_of_text(idempotency_key, &length);
	uint8 hash[SHA256_LENGTH];
	Sha256 *sha256 = sha256_create();

	sha256_begin(sha256);
	sha256_add(sha256, &id, sizeof(id));
	sha256_add(sha256, utf8, length);
	sha256_end(sha256, hash);
	sha256_free(sha256);
	return sha256_value(hash);
}

static void
insert_key(int64 actor_id, const char *idempotency_key, const int64 *purge_id)
{
	StoreRow row;

	store_row_init(&row, STORE_PURGED_KEY);
	row_set_pointer(&row, PURGED_KEY_KEY_SHA256, key_hash(actor_id, idempotency_key));
	row_set_id(&row, PURGED_KEY_PURGE_ID, purge_id);
	store_insert(&row);
}

/* Keep the key of a proposal that is purged, unless it is kept already. */
void
purged_key_insert(int64 actor_id, const char *idempotency_key, int64 purge_id)
{
	if (!purged_key_exists(actor_id, idempotency_key))
		insert_key(actor_id, idempotency_key, &purge_id);
}

/* Keep the key of a proposal that is redacted, unless it is kept already. */
void
redacted_key_insert(int64 actor_id, const char *idempotency_key)
{
	if (!purged_key_exists(actor_id, idempotency_key))
		insert_key(actor_id, idempotency_key, NULL);
}

/* Whether a proposal of the actor that was purged or redacted had this key. */
bool
purged_key_exists(int64 actor_id, const char *idempotency_key)
{
	ScanKeyData key;

	store_key_bytea(&key, PURGED_KEY_KEY_SHA256,
					PointerGetDatum(key_hash(actor_id, idempotency_key)));
	return store_fetch(STORE_PURGED_KEY, "purged_key_pkey", 1, &key) != NULL;
}
