/*
 * verify_tree.c
 *	  Verifies the tree over the audit log.
 *
 * It goes through the leaves once, in their order, and computes from them what
 * the tiles above must have, the root at each size that somebody has kept, and
 * the last one.  What the tables have of all this is compared and never relied
 * on.  It holds one tile of each level.
 *
 * Owns the tree's shape.  Whether a leaf is that of its row is in verify_log.c,
 * and what a kept checkpoint says in witness.c.
 */
#include "postgres.h"

#include "engine/audit/tree.h"
#include "engine/audit/verify_tree.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* How often the open leaves are read again if a round comes in between. */
#define TAIL_TRIES 100

/* A pass through the tree. */
typedef struct TreeCheck
{
	const Findings *findings;
	LogCheck *log;
	const Witnesses *witnesses;
	int next_witness;
	int64 size; /* leaves that there must be */
	MerkleTree tree;
	MerkleHash *hashes[TILE_LEVELS]; /* of the tile that each level is in */
	int count[TILE_LEVELS];
	int64 tile[TILE_LEVELS];
	bool broken; /* leaves are missing, so no root can be computed */
} TreeCheck;

/* A subtree of the leaves so far: of each level, only those are asked for that are in the last tile. */
static MerkleHash
node_so_far(void *arg, int level, int64 index)
{
	TreeCheck *check = arg;
	int tile_level = level / TILE_BITS;
	int above = level % TILE_BITS;
	int64 first = index << above;

	Assert(first / TILE_SIZE == check->tile[tile_level]);
	return merkle_complete_hash(check->tree.sha256, check->hashes[tile_level] + first % TILE_SIZE,
								above);
}

/* Compare the witnesses up to a size, which the leaves so far reach. */
static void
check_witnesses(TreeCheck *check, int64 size)
{
	for (; check->next_witness < check->witnesses->count; check->next_witness++)
	{
		const Witness *witness = &check->witnesses->list[check->next_witness];
		MerkleHash root;

		if (witness->size > size)
			break;
		if (!check->broken)
			root = merkle_root(&check->tree, witness->size);
		witness_check(check->findings, witness, check->broken ? NULL : &root);
	}
}

static void
report_tile(const TreeCheck *check, int level, int64 tile, const char *problem)
{
	finding_add_of_tree(check->findings,
						psprintf("tile " INT64_FORMAT " of level %d of the tree %s", tile, level,
								 problem));
}

static bool
hashes_are_same(const MerkleHash *a, const MerkleHash *b, int count)
{
	return memcmp(a, b, count * sizeof(MerkleHash)) == 0;
}

/* A tile of roots, which is full. */
typedef struct UpperTile
{
	TreeCheck *check;
	int level;
	MerkleHash root; /* that it must have */
} UpperTile;

/* Compare a tile of roots with the one that is stored. */
static void
compare_upper(void *arg)
{
	const UpperTile *upper = arg;
	const TreeCheck *check = upper->check;
	int level = upper->level;
	MerkleHash *stored = palloc(TILE_SIZE * sizeof(MerkleHash));
	MerkleHash stored_root;

	if (!audit_tile_hashes(level, check->tile[level], stored, &stored_root))
		report_tile(check, level, check->tile[level], "is missing");
	else if (!check->broken && (!hashes_are_same(stored, check->hashes[level], TILE_SIZE) ||
								!hashes_are_same(&stored_root, &upper->root, 1)))
		report_tile(check, level, check->tile[level], "does not follow from the tiles below it");
	pfree(stored);
}

/* Add the root of a complete tile to the tile above it; if that is full, compare that, and go on. */
static void
add_root(TreeCheck *check, int level, const MerkleHash *root)
{
	MerkleHash *hashes = check->hashes[level];
	UpperTile upper = {.check = check, .level = level};

	hashes[check->count[level]++] = *root;
	if (check->count[level] < TILE_SIZE)
		return;
	upper.root = merkle_complete_hash(check->tree.sha256, hashes, TILE_BITS);
	finding_try(check->findings,
				psprintf("tile " INT64_FORMAT " of level %d of the tree", check->tile[level],
						 level),
				compare_upper, &upper);
	check->count[level] = 0;
	check->tile[level]++;
	if (level + 1 < TILE_LEVELS)
		add_root(check, level + 1, &upper.root);
}

/* The lowest and the highest row of a tile stand beside it, since leaves are found by them. */
static bool
bounds_are_right(const AuditTile *tile)
{
	int64 lowest = PG_INT64_MAX;
	int64 highest = PG_INT64_MIN;

	for (int i = 0; i < TILE_SIZE; i++)
	{
		lowest = Min(lowest, tile->leaves[i].audit_id);
		highest = Max(highest, tile->leaves[i].audit_id);
	}
	return lowest == tile->lowest && highest == tile->highest;
}

/* Go through leaves of one tile, which is the next. */
static void
check_leaves(TreeCheck *check, const AuditLeaf *leaves, int count)
{
	for (int i = 0; i < count; i++)
		check->hashes[0][i] = leaves[i].hash;
	check->count[0] = count;
	check_witnesses(check, check->tile[0] * TILE_SIZE + Min(count, TILE_SIZE - 1));
	for (int i = 0; i < count; i++)
		verify_log_leaf(check->log, &leaves[i]);
}

static void
check_tile(TreeCheck *check, const AuditTile *tile)
{
	MerkleHash root;

	check_leaves(check, tile->leaves, TILE_SIZE);
	root = merkle_complete_hash(check->tree.sha256, check->hashes[0], TILE_BITS);
	if (!hashes_are_same(&root, &tile->root, 1))
		report_tile(check, 0, tile->tile, "has not the root of its leaves");
	if (!bounds_are_right(tile))
		report_tile(check, 0, tile->tile, "has not the lowest and the highest of its rows");
	check->tile[0]++;
	add_root(check, 1, &root);
}

/*
 * The leaves of the next tiles, up to this one, are not known, so nothing above them can be
 * computed.  A size that somebody has made up can be that of any number of tiles.
 */
static void
skip_tiles(TreeCheck *check, int64 upto)
{
	check->broken = check->log->incomplete = true;
	check->tile[0] = upto;
	for (int level = 1; level < TILE_LEVELS; level++)
	{
		check->count[level] = (int) (check->tile[level - 1] % TILE_SIZE);
		check->tile[level] = check->tile[level - 1] / TILE_SIZE;
	}
}

/* Tiles are missing up to this one. */
static void
report_missing(TreeCheck *check, int64 upto)
{
	int64 first = check->tile[0];

	if (first + 1 == upto)
		report_tile(check, 0, first, "is missing");
	else if (first < upto)
		finding_add_of_tree(check->findings, psprintf("tiles " INT64_FORMAT " to " INT64_FORMAT
													  " of level 0 of the tree are missing",
													  first, upto - 1));
	if (first < upto)
		skip_tiles(check, upto);
}

/* The columns of the next tile have not the lengths that they must have. */
static void
skip_malformed(TreeCheck *check)
{
	report_tile(check, 0, check->tile[0], "has columns of another length");
	skip_tiles(check, check->tile[0] + 1);
}

/* A tile must not be beyond what the size of the tree fills, which rounds may have made larger. */
static void
check_within(const TreeCheck *check, int level, int64 tile)
{
	if (tile >= tree_size() >> (TILE_BITS * (level + 1)))
		report_tile(check, level, tile, "is beyond the size of the tree");
}

static void
check_tiles(TreeCheck *check)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "tile of the tree",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = CurrentMemoryContext;
	AuditTile *tile = palloc(sizeof(AuditTile));
	StoreScan scan;
	int64 tiles = check->size / TILE_SIZE;
	int64 last = -1;

	audit_tile_scan_begin(&scan);
	while (last < tiles && audit_tile_scan_next(&scan, tile))
	{
		last = tile->tile;
		if (last >= tiles)
			break;
		MemoryContextSwitchTo(memory);
		report_missing(check, tile->tile);
		if (tile->tile < check->tile[0])
			report_tile(check, 0, tile->tile, "is before the first one");
		else if (tile->is_whole)
			check_tile(check, tile);
		else
			skip_malformed(check);
		MemoryContextSwitchTo(old);
		MemoryContextReset(memory);
	}
	store_scan_end(&scan);
	check_within(check, 0, last);
	MemoryContextDelete(memory);
	report_missing(check, tiles);
}

/*
 * Read the leaves that are in no tile, and the size of the tree that they belong
 * to.  A round may come in between, and then both are read again.
 */
static int
read_open_leaves(AuditLeaf *leaves, int64 *size)
{
	int count;

	for (int i = 0;; i++)
	{
		*size = tree_size();
		count = audit_leaf_list(leaves);
		if (tree_size() == *size || i == TAIL_TRIES)
			return count;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Go through the leaves that are in no tile, and say how many there should be. */
static void
check_open_leaves(TreeCheck *check, const AuditLeaf *leaves, int count)
{
	int64 first = check->size / TILE_SIZE * TILE_SIZE;
	int expected = (int) (check->size - first);
	int right = 0;

	while (right < Min(count, expected) && leaves[right].leaf_index == first + right)
		right++;
	check_leaves(check, leaves, right);
	if (right == expected && right == count)
		return;
	check->broken = check->log->incomplete = true;
	finding_add_of_tree(
		check->findings,
		psprintf("the tree has size " INT64_FORMAT
				 ", and the leaves that are in no tile are not those from leaf " INT64_FORMAT " on",
				 check->size, first));
}

static void
begin_check(TreeCheck *check)
{
	check->tree.node = node_so_far;
	check->tree.arg = check;
	check->tree.sha256 = sha256_create();
	for (int i = 0; i < TILE_LEVELS; i++)
		check->hashes[i] = palloc(TILE_SIZE * sizeof(MerkleHash));
}

/*
 * Go through the tree and report what is wrong with it, with its leaves, and with
 * the witnesses.  The log is one that was begun for this; the caller ends it.
 */
void
verify_tree(const Findings *findings, LogCheck *log, const Witnesses *witnesses)
{
	TreeCheck check = {.findings = findings, .log = log, .witnesses = witnesses};
	AuditLeaf *open = palloc(TILE_SIZE * sizeof(AuditLeaf));
	int count = read_open_leaves(open, &check.size);

	begin_check(&check);
	check_tiles(&check);
	check_open_leaves(&check, open, count);
	check_witnesses(&check, check.size);
	for (; check.next_witness < witnesses->count; check.next_witness++)
		witness_check_longer(findings, &witnesses->list[check.next_witness], check.size);
	for (int level = 1; level < TILE_LEVELS; level++)
		check_within(&check, level, audit_tile_last(level));
	sha256_free(check.tree.sha256);
}
