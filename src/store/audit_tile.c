/*
 * audit_tile.c
 *	  The tables audit_tile and audit_leaf: the hashes of the tree.
 *
 * Owns their descriptors, the layout of a tile's columns, and how one leaf is
 * found by its row's id.  How hashes are computed is in model/merkle.c.
 *
 * A tile is written when it is full.  Until then its leaves are rows of
 * audit_leaf: a tile that grew in place would be written anew in each round.
 * The upper levels have no such rows, since the root of each tile stands beside
 * its hashes.
 */
#include "postgres.h"

#include "port/pg_bswap.h"
#include "store/audit_tile.h"
#include "utils/memutils.h"

const StoreTableInfo audit_leaf_table = {
	.name = "audit_leaf",
	.columns = LEAF_COLUMNS,
	.deletes = true,
	.fixed = (const AttrNumber[]){LEAF_LEAF_INDEX, LEAF_AUDIT_ID, LEAF_FLAGS, LEAF_HASH, 0},
	.insert_call = "seal_audit_log",
	.update_call = "redact_proposal",
	.delete_call = "seal_audit_log",
};

const StoreTableInfo audit_tile_table = {
	.name = "audit_tile",
	.columns = TILE_COLUMNS,
	.fixed = (const AttrNumber[]){TILE_LEVEL, TILE_TILE, TILE_ROOT, TILE_HASHES, TILE_MIN_AUDIT_ID,
								  TILE_MAX_AUDIT_ID, TILE_AUDIT_IDS, TILE_FLAGS, TILE_SEALED_AT, 0},
	.insert_call = "seal_audit_log",
	.update_call = "redact_proposal",
};

static bytea *
bytes_of(const void *data, Size length)
{
	bytea *bytes = palloc(VARHDRSZ + length);

	SET_VARSIZE(bytes, VARHDRSZ + length);
	memcpy(VARDATA(bytes), data, length);
	return bytes;
}

/* The open tail */

void
audit_leaf_insert(const AuditLeaf *leaf)
{
	StoreRow row;

	store_row_init(&row, STORE_AUDIT_LEAF);
	row_set_int64(&row, LEAF_LEAF_INDEX, leaf->leaf_index);
	row_set_int64(&row, LEAF_AUDIT_ID, leaf->audit_id);
	row_set_int64(&row, LEAF_FLAGS, leaf->flags);
	row_set_pointer(&row, LEAF_HASH, bytes_of(leaf->hash.bytes, SHA256_LENGTH));
	row_set_pointer(&row, LEAF_SALTS, bytes_of(&leaf->salts, sizeof(LeafSalts)));
	store_insert(&row);
}

static void
leaf_read(const StoredRow *row, AuditLeaf *leaf)
{
	leaf->leaf_index = column_int64(row, LEAF_LEAF_INDEX);
	leaf->audit_id = column_int64(row, LEAF_AUDIT_ID);
	leaf->flags = (uint8) column_int64(row, LEAF_FLAGS);
	column_bytes(row, LEAF_HASH, leaf->hash.bytes, SHA256_LENGTH);
	column_bytes(row, LEAF_SALTS, &leaf->salts, sizeof(LeafSalts));
}

/*
 * Read the leaves that are in no tile, in order, into an array of TILE_SIZE, and
 * return their number.  More than that cannot be, and are not read.
 */
int
audit_leaf_list(AuditLeaf *leaves)
{
	StoreScan scan;
	StoredRow *row;
	int count = 0;

	store_scan_begin(&scan, STORE_AUDIT_LEAF, "audit_leaf_pkey", 0, NULL);
	while (count < TILE_SIZE && (row = store_scan_next(&scan)) != NULL)
		leaf_read(row, &leaves[count++]);
	store_scan_end(&scan);
	return count;
}

/* Delete the leaves whose tile has been written. */
void
audit_leaf_delete_all(void)
{
	StoreScan scan;

	store_scan_begin(&scan, STORE_AUDIT_LEAF, NULL, 0, NULL);
	while (store_scan_next(&scan) != NULL)
		store_delete(STORE_AUDIT_LEAF, store_scan_copy(&scan));
	store_scan_end(&scan);
}

/* Tiles */

/* Write a tile of leaves. */
void
audit_tile_insert(int64 tile, const AuditLeaf *leaves, const MerkleHash *root,
				  TimestampTz sealed_at)
{
	MerkleHash hashes[TILE_SIZE];
	uint64 audit_ids[TILE_SIZE];
	uint8 flags[TILE_SIZE];
	LeafSalts salts[TILE_SIZE];
	int64 lowest = PG_INT64_MAX;
	int64 highest = PG_INT64_MIN;
	StoreRow row;

	for (int i = 0; i < TILE_SIZE; i++)
	{
		hashes[i] = leaves[i].hash;
		audit_ids[i] = pg_hton64((uint64) leaves[i].audit_id);
		flags[i] = leaves[i].flags;
		salts[i] = leaves[i].salts;
		lowest = Min(lowest, leaves[i].audit_id);
		highest = Max(highest, leaves[i].audit_id);
	}
	store_row_init(&row, STORE_AUDIT_TILE);
	row_set_int64(&row, TILE_LEVEL, 0);
	row_set_int64(&row, TILE_TILE, tile);
	row_set_pointer(&row, TILE_ROOT, bytes_of(root->bytes, SHA256_LENGTH));
	row_set_pointer(&row, TILE_HASHES, bytes_of(hashes, sizeof(hashes)));
	row_set_int64(&row, TILE_MIN_AUDIT_ID, lowest);
	row_set_int64(&row, TILE_MAX_AUDIT_ID, highest);
	row_set_pointer(&row, TILE_AUDIT_IDS, bytes_of(audit_ids, sizeof(audit_ids)));
	row_set_pointer(&row, TILE_FLAGS, bytes_of(flags, sizeof(flags)));
	row_set_pointer(&row, TILE_SALTS, bytes_of(salts, sizeof(salts)));
	row_set_time(&row, TILE_SEALED_AT, sealed_at);
	store_insert(&row);
}

/* Write a tile of the roots of tiles. */
void
audit_tile_insert_upper(int level, int64 tile, const MerkleHash *hashes, const MerkleHash *root,
						TimestampTz sealed_at)
{
	StoreRow row;

	Assert(level > 0);
	store_row_init(&row, STORE_AUDIT_TILE);
	row_set_int64(&row, TILE_LEVEL, level);
	row_set_int64(&row, TILE_TILE, tile);
	row_set_pointer(&row, TILE_ROOT, bytes_of(root->bytes, SHA256_LENGTH));
	row_set_pointer(&row, TILE_HASHES, bytes_of(hashes, TILE_SIZE * sizeof(MerkleHash)));
	row_set_time(&row, TILE_SEALED_AT, sealed_at);
	store_insert(&row);
}

static void
tile_keys(ScanKey keys, int level, int64 tile)
{
	store_key_int64(&keys[0], TILE_LEVEL, level);
	store_key_int64(&keys[1], TILE_TILE, tile);
}

/*
 * Read the hashes of a tile into an array of TILE_SIZE, and its root, unless that
 * is NULL.  Returns false if there is no such tile.
 */
bool
audit_tile_hashes(int level, int64 tile, MerkleHash *hashes, MerkleHash *root)
{
	ScanKeyData keys[2];
	StoredRow *row;

	tile_keys(keys, level, tile);
	row = store_fetch(STORE_AUDIT_TILE, "audit_tile_pkey", 2, keys);
	if (row == NULL)
		return false;
	column_bytes(row, TILE_HASHES, hashes, TILE_SIZE * sizeof(MerkleHash));
	if (root != NULL)
		column_bytes(row, TILE_ROOT, root->bytes, SHA256_LENGTH);
	return true;
}

/* Read the roots of a number of tiles of a level, from the first on. */
void
audit_tile_roots(int level, int64 first, int count, MerkleHash *roots)
{
	ScanKeyData keys[3];
	StoreScan scan;
	StoredRow *row;
	int found = 0;

	store_key_int64(&keys[0], TILE_LEVEL, level);
	store_key_int64_after(&keys[1], TILE_TILE, first - 1);
	store_key_int64_upto(&keys[2], TILE_TILE, first + count - 1);
	store_scan_begin(&scan, STORE_AUDIT_TILE, "audit_tile_pkey", 3, keys);
	while (found < count && (row = store_scan_next(&scan)) != NULL &&
		   column_int64(row, TILE_TILE) == first + found)
		column_bytes(row, TILE_ROOT, roots[found++].bytes, SHA256_LENGTH);
	store_scan_end(&scan);
	if (found < count)
		elog(ERROR, "tile " INT64_FORMAT " of level %d of the audit tree is missing", first + found,
			 level);
}

static void
tile_read_leaves(const StoredRow *row, AuditLeaf *leaves)
{
	int64 first = column_int64(row, TILE_TILE) * TILE_SIZE;
	MerkleHash *hashes = palloc(TILE_SIZE * sizeof(MerkleHash));
	LeafSalts *salts = palloc(TILE_SIZE * sizeof(LeafSalts));
	uint64 audit_ids[TILE_SIZE];
	uint8 flags[TILE_SIZE];

	column_bytes(row, TILE_HASHES, hashes, TILE_SIZE * sizeof(MerkleHash));
	column_bytes(row, TILE_AUDIT_IDS, audit_ids, sizeof(audit_ids));
	column_bytes(row, TILE_FLAGS, flags, sizeof(flags));
	column_bytes(row, TILE_SALTS, salts, TILE_SIZE * sizeof(LeafSalts));
	for (int i = 0; i < TILE_SIZE; i++)
	{
		leaves[i].leaf_index = first + i;
		leaves[i].audit_id = (int64) pg_ntoh64(audit_ids[i]);
		leaves[i].flags = flags[i];
		leaves[i].hash = hashes[i];
		leaves[i].salts = salts[i];
	}
	pfree(hashes);
	pfree(salts);
}

/* Read the leaves of a tile into an array of TILE_SIZE.  Returns false if there is no such tile. */
bool
audit_tile_leaves(int64 tile, AuditLeaf *leaves)
{
	ScanKeyData keys[2];
	StoredRow *row;

	tile_keys(keys, 0, tile);
	row = store_fetch(STORE_AUDIT_TILE, "audit_tile_pkey", 2, keys);
	if (row == NULL)
		return false;
	tile_read_leaves(row, leaves);
	return true;
}

static bool
find_among(const AuditLeaf *leaves, int count, int64 audit_id, AuditLeaf *leaf)
{
	for (int i = 0; i < count; i++)
		if (leaves[i].audit_id == audit_id)
		{
			*leaf = leaves[i];
			return true;
		}
	return false;
}

/*
 * Look for the leaf of a row in the tiles, and leave the leaves of the tile that has
 * it in an array of TILE_SIZE.  Rows are sealed nearly in the order of their ids, so
 * the first tile that reaches up to an id has it, as a rule; the leaf of a row that
 * was committed long after it was written is in a later one.
 */
static bool
find_in_tiles(AuditLeaf *leaves, int64 audit_id, AuditLeaf *leaf)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	bool found = false;

	store_key_int64_after(&key, TILE_MAX_AUDIT_ID, audit_id - 1);
	store_scan_begin(&scan, STORE_AUDIT_TILE, "audit_tile_max_audit_id_idx", 1, &key);
	while (!found && (row = store_scan_next(&scan)) != NULL)
	{
		if (column_int64(row, TILE_MIN_AUDIT_ID) > audit_id)
			continue;
		tile_read_leaves(row, leaves);
		found = find_among(leaves, TILE_SIZE, audit_id, leaf);
	}
	store_scan_end(&scan);
	return found;
}

/* Begin to look for leaves that are likely to be near each other, in the current memory context. */
void
leaf_finder_begin(LeafFinder *finder)
{
	finder->leaves = palloc(TILE_SIZE * sizeof(AuditLeaf));
	finder->count = 0;
}

/* Find the leaf of a row, first among those of the tile that was read last. */
bool
leaf_finder_find(LeafFinder *finder, int64 audit_id, AuditLeaf *leaf)
{
	if (find_among(finder->leaves, finder->count, audit_id, leaf))
		return true;
	finder->count = TILE_SIZE;
	if (find_in_tiles(finder->leaves, audit_id, leaf))
		return true;
	finder->count = audit_leaf_list(finder->leaves);
	return find_among(finder->leaves, finder->count, audit_id, leaf);
}

/* Read the leaf of a number, first among those of the tile that was read last. */
bool
leaf_finder_read(LeafFinder *finder, int64 leaf_index, AuditLeaf *leaf)
{
	int64 first = leaf_index - leaf_index % TILE_SIZE;

	if (finder->count == 0 || finder->leaves[0].leaf_index != first)
		finder->count = audit_tile_leaves(leaf_index / TILE_SIZE, finder->leaves)
							? TILE_SIZE
							: audit_leaf_list(finder->leaves);
	if (leaf_index - first >= finder->count ||
		finder->leaves[leaf_index - first].leaf_index != leaf_index)
		return false;
	*leaf = finder->leaves[leaf_index - first];
	return true;
}

void
leaf_finder_end(LeafFinder *finder)
{
	pfree(finder->leaves);
}

/* Find the leaf of a row. */
bool
audit_leaf_find(int64 audit_id, AuditLeaf *leaf)
{
	LeafFinder finder;
	bool found;

	leaf_finder_begin(&finder);
	found = leaf_finder_find(&finder, audit_id, leaf);
	leaf_finder_end(&finder);
	return found;
}

/* Fill the salts that are dropped with zeros. */
static void
drop_salts(LeafSalts *salts, const LeafDrop *drop)
{
	for (int group = 0; group < LEAF_GROUPS; group++)
		if (drop->drops[group])
			memset(salts->group[group], 0, SALT_LENGTH);
}

/* Drop salts of a tile's leaves.  Returns false if there is no such tile. */
static bool
drop_salts_of_tile(int64 tile, const LeafDrop *drops, int count)
{
	LeafSalts *salts;
	ScanKeyData keys[2];
	StoredRow *old;
	StoreRow row;

	tile_keys(keys, 0, tile);
	old = store_fetch(STORE_AUDIT_TILE, "audit_tile_pkey", 2, keys);
	if (old == NULL)
		return false;
	salts = palloc(TILE_SIZE * sizeof(LeafSalts));
	column_bytes(old, TILE_SALTS, salts, TILE_SIZE * sizeof(LeafSalts));
	for (int i = 0; i < count; i++)
		drop_salts(&salts[drops[i].leaf_index % TILE_SIZE], &drops[i]);
	store_row_init(&row, STORE_AUDIT_TILE);
	row_set_pointer(&row, TILE_SALTS, bytes_of(salts, TILE_SIZE * sizeof(LeafSalts)));
	store_update(&row, old);
	return true;
}

static void
drop_salts_of_leaf(const LeafDrop *drop)
{
	ScanKeyData key;
	StoredRow *old;
	AuditLeaf leaf;
	StoreRow row;

	store_key_int64(&key, LEAF_LEAF_INDEX, drop->leaf_index);
	old = store_fetch(STORE_AUDIT_LEAF, "audit_leaf_pkey", 1, &key);
	if (old == NULL)
		elog(ERROR, "leaf " INT64_FORMAT " of the audit tree is missing", drop->leaf_index);
	leaf_read(old, &leaf);
	drop_salts(&leaf.salts, drop);
	store_row_init(&row, STORE_AUDIT_LEAF);
	row_set_pointer(&row, LEAF_SALTS, bytes_of(&leaf.salts, sizeof(LeafSalts)));
	store_update(&row, old);
}

/*
 * Drop salts, of leaves in the order of their numbers, so that the values of the
 * groups cannot be guessed from the hashes.  The caller keeps rounds out.
 */
void
audit_leaf_drop_salts(const LeafDrop *drops, int count)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "salts of a tile",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	int first = 0;

	while (first < count)
	{
		int64 tile = drops[first].leaf_index / TILE_SIZE;
		int end = first + 1;

		while (end < count && drops[end].leaf_index / TILE_SIZE == tile)
			end++;
		if (!drop_salts_of_tile(tile, &drops[first], end - first))
			for (int i = first; i < end; i++)
				drop_salts_of_leaf(&drops[i]);
		first = end;
		MemoryContextReset(memory);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
}

/* Visit each tile of leaves that has a row with an id above this one. */
void
audit_tile_each_above(int64 audit_id, TileVisit visit, void *arg)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;

	store_key_int64_after(&key, TILE_MAX_AUDIT_ID, audit_id);
	store_scan_begin(&scan, STORE_AUDIT_TILE, "audit_tile_max_audit_id_idx", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
		visit(arg, column_int64(row, TILE_TILE));
	store_scan_end(&scan);
}

/* Begin to read all tiles of leaves, in their order; store_scan_end() ends it. */
void
audit_tile_scan_begin(StoreScan *scan)
{
	ScanKeyData key;

	store_key_int64(&key, TILE_LEVEL, 0);
	store_scan_begin(scan, STORE_AUDIT_TILE, "audit_tile_pkey", 1, &key);
}

/* Whether the columns of a tile of leaves have as many bytes as they must. */
static bool
tile_is_whole(const StoredRow *row)
{
	return column_has_bytes(row, TILE_ROOT, SHA256_LENGTH) &&
		   column_has_bytes(row, TILE_HASHES, TILE_SIZE * sizeof(MerkleHash)) &&
		   column_has_bytes(row, TILE_AUDIT_IDS, TILE_SIZE * sizeof(int64)) &&
		   column_has_bytes(row, TILE_FLAGS, TILE_SIZE) &&
		   column_has_bytes(row, TILE_SALTS, TILE_SIZE * sizeof(LeafSalts));
}

/* Read the next tile of leaves.  Returns false after the last. */
bool
audit_tile_scan_next(StoreScan *scan, AuditTile *tile)
{
	const StoredRow *row = store_scan_next(scan);

	if (row == NULL)
		return false;
	tile->tile = column_int64(row, TILE_TILE);
	tile->is_whole = tile_is_whole(row);
	if (!tile->is_whole)
		return true;
	column_bytes(row, TILE_ROOT, tile->root.bytes, SHA256_LENGTH);
	tile->lowest = column_is_null(row, TILE_MIN_AUDIT_ID) ? 0
														  : column_int64(row, TILE_MIN_AUDIT_ID);
	tile->highest = column_is_null(row, TILE_MAX_AUDIT_ID) ? 0
														   : column_int64(row, TILE_MAX_AUDIT_ID);
	tile_read_leaves(row, tile->leaves);
	return true;
}

/* Return the highest number of a tile of a level, which has few, or -1 if it has none. */
int64
audit_tile_last(int level)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int64 last = -1;

	store_key_int64(&key, TILE_LEVEL, level);
	store_scan_begin(&scan, STORE_AUDIT_TILE, "audit_tile_pkey", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
		last = column_int64(row, TILE_TILE);
	store_scan_end(&scan);
	return last;
}
