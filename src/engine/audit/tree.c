/*
 * tree.c
 *	  Reads the tree: roots, checkpoints, proofs.
 *
 * Owns where the hash of a subtree stands: in a tile of its level, beside the
 * tiles of the level below, or among the leaves that are in no tile yet.  It only
 * reads, and what it needs does not change any more, so it takes no lock.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/base64.h"
#include "base/durable.h"
#include "base/errors.h"
#include "base/json.h"
#include "engine/audit/kept.h"
#include "engine/audit/leaf.h"
#include "engine/audit/origin.h"
#include "engine/audit/tree.h"
#include "model/checkpoint.h"
#include "store/audit_log.h"
#include "store/audit_tile.h"
#include "store/audit_tree.h"
#include "store/purge.h"

/* Hashes of one tile of each level, the one that was read last. */
typedef struct TreeReader
{
	MerkleTree tree;
	int64 size;
	int64 tile[TILE_LEVELS]; /* -1: none */
	MerkleHash *hashes[TILE_LEVELS];
} TreeReader;

/* Read the leaves that are in no tile, if they are those of this tile. */
static bool
read_tail(int64 tile, MerkleHash *hashes)
{
	AuditLeaf *leaves = palloc(TILE_SIZE * sizeof(AuditLeaf));
	int count = audit_leaf_list(leaves);
	bool found = count > 0 && leaves[0].leaf_index == tile * TILE_SIZE;

	for (int i = 0; found && i < count; i++)
		hashes[i] = leaves[i].hash;
	pfree(leaves);
	return found;
}

/*
 * Read the hashes of a tile, as far as there are any.  A round may move the last
 * leaves into their tile between two looks, so the tile is looked for again.
 */
static void
read_tile(const TreeReader *reader, int level, int64 tile, MerkleHash *hashes)
{
	if (audit_tile_hashes(level, tile, hashes, NULL))
		return;
	if (level > 0)
	{
		int64 complete = reader->size >> (TILE_BITS * level);

		audit_tile_roots(level - 1, tile * TILE_SIZE,
						 (int) Min(complete - tile * TILE_SIZE, TILE_SIZE), hashes);
		return;
	}
	if (!read_tail(tile, hashes) && !audit_tile_hashes(level, tile, hashes, NULL))
		elog(ERROR, "tile " INT64_FORMAT " of the audit tree is missing", tile);
}

static MerkleHash
read_node(void *arg, int level, int64 index)
{
	TreeReader *reader = arg;
	int tile_level = level / TILE_BITS;
	int above = level % TILE_BITS;
	int64 first = index << above;
	int64 tile = first / TILE_SIZE;

	if (reader->tile[tile_level] != tile)
	{
		if (reader->hashes[tile_level] == NULL)
			reader->hashes[tile_level] = palloc(TILE_SIZE * sizeof(MerkleHash));
		reader->tile[tile_level] = -1;
		read_tile(reader, tile_level, tile, reader->hashes[tile_level]);
		reader->tile[tile_level] = tile;
	}
	return merkle_complete_hash(reader->tree.sha256, reader->hashes[tile_level] + first % TILE_SIZE,
								above);
}

/* Begin to read the tree as it is now. */
static void
reader_begin(TreeReader *reader)
{
	memset(reader, 0, sizeof(TreeReader));
	for (int i = 0; i < TILE_LEVELS; i++)
		reader->tile[i] = -1;
	reader->size = tree_size();
	reader->tree.node = read_node;
	reader->tree.arg = reader;
	reader->tree.sha256 = sha256_create();
}

static void
reader_end(TreeReader *reader)
{
	sha256_free(reader->tree.sha256);
}

/* Return the number of leaves. */
int64
tree_size(void)
{
	const AuditTree *tree = audit_tree_load();

	return tree != NULL ? tree->size : 0;
}

/* Return the root that the tree had at a size that it has reached. */
MerkleHash
tree_root(int64 size)
{
	TreeReader reader;
	MerkleHash root;

	reader_begin(&reader);
	Assert(size <= reader.size);
	root = merkle_root(&reader.tree, size);
	reader_end(&reader);
	return root;
}

/* The first transaction or subtransaction that is not undone and has changed the tree. */
static TransactionId changed_in = InvalidTransactionId;

/* Whether the present transaction has changed the tree or its name. */
static bool
tree_is_uncommitted(void)
{
	return TransactionIdIsValid(changed_in) && TransactionIdIsCurrentTransactionId(changed_in);
}

/* Note that the present transaction changes the tree or its name. */
void
tree_note_change(void)
{
	if (!tree_is_uncommitted())
		changed_in = GetCurrentTransactionId();
}

/*
 * Return the newest checkpoint.  It is durable: the commit of the round is on
 * disk, and on a synchronous standby if there is one, for which it waits.  A tree
 * that this transaction has changed is none yet.
 *
 * The name is read last, so it may be newer than the size.  It is then a name of
 * the same leaves; a name that the tree has left would be wrong.
 */
char *
tree_checkpoint(void)
{
	Checkpoint checkpoint;

	if (tree_is_uncommitted())
		report_wrong_state("wfo_uncommitted_tree",
						   errmsg("the newest checkpoint is of a tree that is not committed"),
						   errdetail("This transaction has sealed rows, or changed the origin."),
						   errhint("Commit first."));
	checkpoint.size = tree_size();
	checkpoint.root = tree_root(checkpoint.size);
	checkpoint.origin = origin_in_force();
	wait_until_durable();
	return checkpoint_write(&checkpoint);
}

static AuditLeaf
require_leaf(int64 audit_id)
{
	AuditLeaf leaf;

	if (audit_leaf_find(audit_id, &leaf))
		return leaf;
	if (audit_load(audit_id) != NULL)
		report_wrong_state("wfo_not_sealed",
						   errmsg("audit row " INT64_FORMAT " is not sealed", audit_id),
						   errhint("Call seal_audit_log(), or wait a second."));
	report_unknown("wfo_unknown_audit_row",
				   errmsg("audit row " INT64_FORMAT " does not exist", audit_id));
}

/* Return the entry of a sealed row: the bytes whose hash is the leaf. */
bytea *
tree_entry(int64 audit_id)
{
	AuditLeaf leaf = require_leaf(audit_id);
	StoredRow *row = audit_load(audit_id);
	LeafMaker maker;
	LeafKept kept;
	bytea *entry;

	if (row == NULL && leaf_is_purged(leaf.leaf_index))
		report_unknown("wfo_purged", errmsg("audit row " INT64_FORMAT " has been purged", audit_id),
					   errdetail("Its hash stays, as leaf " INT64_FORMAT " of the tree.",
								 leaf.leaf_index),
					   errhint("audit_proof proves that the leaf is there; what its entry was is "
							   "in what evidence() gave before."));
	if (row == NULL)
		report_unknown("wfo_unknown_audit_row",
					   errmsg("audit row " INT64_FORMAT " does not exist", audit_id),
					   errdetail("It is leaf " INT64_FORMAT " of the tree.", leaf.leaf_index));
	leaf_maker_begin(&maker);
	(void) leaf_make_again(&maker, &leaf, row, &kept);
	entry = palloc(VARHDRSZ + maker.entry.len);
	SET_VARSIZE(entry, VARHDRSZ + maker.entry.len);
	memcpy(VARDATA(entry), maker.entry.data, maker.entry.len);
	leaf_maker_end(&maker);
	return entry;
}

/* Return a size that was asked for, or if that is NULL that of the tree. */
static int64
require_size(int64 tree, const int64 *size, const char *name)
{
	if (size == NULL)
		return tree;
	if (*size < 0)
		report_invalid("wfo_not_a_size", errmsg("%s must not be negative", name));
	if (*size > tree)
		report_invalid("wfo_not_a_size",
					   errmsg("%s " INT64_FORMAT " is larger than the tree", name, *size),
					   errdetail("The tree has " INT64_FORMAT " leaves.", tree));
	return *size;
}

static Jsonb *
path_as_json(const MerklePath *path)
{
	JsonArray hashes;

	json_array_begin(&hashes);
	for (int i = 0; i < path->length; i++)
		json_array_add_text(&hashes, base64_text(path->hashes[i].bytes, SHA256_LENGTH));
	return json_array_end(&hashes);
}

/* Return the path that proves that a leaf is in the tree of a size. */
Jsonb *
tree_path(int64 leaf_index, int64 size)
{
	TreeReader reader;
	MerklePath path;

	reader_begin(&reader);
	size = require_size(reader.size, &size, "size");
	Assert(leaf_index < size);
	merkle_inclusion(&reader.tree, leaf_index, size, &path);
	reader_end(&reader);
	return path_as_json(&path);
}

/* Return the proof that a sealed row is in the tree of a size, or of now. */
Jsonb *
tree_proof(int64 audit_id, const int64 *size)
{
	AuditLeaf leaf = require_leaf(audit_id);
	int64 at = require_size(tree_size(), size, "size");
	JsonObject proof;

	if (leaf.leaf_index >= at)
		report_invalid("wfo_not_a_size",
					   errmsg("audit row " INT64_FORMAT " is not in the tree of size " INT64_FORMAT,
							  audit_id, at),
					   errdetail("It is leaf " INT64_FORMAT ".", leaf.leaf_index));
	json_object_begin(&proof);
	json_add_int(&proof, "leaf_index", leaf.leaf_index);
	json_add_int(&proof, "size", at);
	json_add_text(&proof, "leaf", base64_text(leaf.hash.bytes, SHA256_LENGTH));
	json_add_jsonb(&proof, "path", tree_path(leaf.leaf_index, at));
	return json_object_end(&proof);
}

/* Return the proof that the tree of one size extends that of another. */
Jsonb *
tree_consistency(int64 from, const int64 *to)
{
	TreeReader reader;
	int64 end;
	MerklePath path;
	JsonObject proof;

	reader_begin(&reader);
	end = require_size(reader.size, to, "to_size");
	from = require_size(reader.size, &from, "from_size");
	if (from > end)
		report_invalid("wfo_not_a_size",
					   errmsg("from_size " INT64_FORMAT " is larger than to_size " INT64_FORMAT,
							  from, end));
	merkle_consistency(&reader.tree, from, end, &path);
	reader_end(&reader);
	json_object_begin(&proof);
	json_add_int(&proof, "from", from);
	json_add_int(&proof, "to", end);
	json_add_jsonb(&proof, "path", path_as_json(&path));
	return json_object_end(&proof);
}
