/*
 * seal.c
 *	  Seals the audit log: makes its committed rows leaves of the tree.
 *
 * A round takes the committed rows that are not sealed (unsealed.c), computes
 * their leaves (leaf.c), and writes these and the tiles that they fill.  Nothing
 * of this happens when a row is written.
 *
 * Owns the round, and how the sealer found a row.  What a tree's name is, and what
 * becomes of it after a move, is in origin.c.
 */
#include "postgres.h"

#include "access/subtrans.h"
#include "access/transam.h"
#include "base/grow.h"
#include "engine/audit/leaf.h"
#include "engine/audit/origin.h"
#include "engine/audit/seal.h"
#include "engine/audit/tree.h"
#include "engine/audit/unsealed.h"
#include "store/audit_log.h"
#include "store/audit_tile.h"
#include "store/audit_tree.h"
#include "store/lock.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

/* A round takes no more rows than this, so that it stays short. */
#define ROWS_OF_ROUND 65536

/* A row that is sealed so long after its time is late. */
#define LATE_MS (60 * 60 * 1000)

/* The leaves of a round. */
typedef struct Sealing
{
	LeafMaker maker;
	AuditLeaf *leaves;
	int count;
	int size;
	TimestampTz now;
	int64 earlier_id;           /* of the tree */
	bool is_home;               /* rows were inserted here, as far as anybody knows */
	LeafSalts salts[TILE_SIZE]; /* random, and used from the end on */
	int nsalts;
} Sealing;

/*
 * Whether the transaction that a row names inserted it.  A subtransaction has a
 * higher id than its transaction, and what it belonged to is known for a while, but
 * not over a restart: then it looks like a transaction, which is why one without a
 * parent is no proof.
 */
static uint8
inserter_of(const StoredRow *row)
{
	HeapTupleHeader header = row->tuple->t_data;
	FullTransactionId named = DatumGetFullTransactionId(column_datum(row, AUDIT_TRANSACTION_ID));
	TransactionId xmin = HeapTupleHeaderGetRawXmin(header);
	TransactionId top;

	if (HeapTupleHeaderXminFrozen(header) || !TransactionIdIsNormal(xmin))
		return LEAF_OF_UNKNOWN;
	if (xmin == XidFromFullTransactionId(named))
		return LEAF_OF_NAMED;
	if (TransactionIdPrecedes(xmin, XidFromFullTransactionId(named)))
		return LEAF_OF_OTHER;
	if (TransactionIdPrecedes(xmin, TransactionXmin))
		return LEAF_OF_UNKNOWN;
	top = SubTransGetTopmostTransaction(xmin);
	if (top == XidFromFullTransactionId(named))
		return LEAF_OF_NAMED;
	return top != xmin ? LEAF_OF_OTHER : LEAF_OF_UNKNOWN;
}

static void
draw_salts(Sealing *sealing, LeafSalts *salts)
{
	if (sealing->nsalts == 0)
	{
		if (!pg_strong_random(sealing->salts, sizeof(sealing->salts)))
			elog(ERROR, "could not generate random salts");
		sealing->nsalts = TILE_SIZE;
	}
	*salts = sealing->salts[--sealing->nsalts];
}

static void
begin_scan(void *arg)
{
	leaf_maker_begin(&((Sealing *) arg)->maker);
}

static void
end_scan(void *arg)
{
	leaf_maker_end(&((Sealing *) arg)->maker);
}

static void
seal_row(void *arg, const StoredRow *row)
{
	Sealing *sealing = arg;
	AuditLeaf *leaf;

	GROW_ARRAY(sealing->leaves, sealing->count, sealing->size);
	leaf = &sealing->leaves[sealing->count++];
	leaf->audit_id = column_int64(row, AUDIT_AUDIT_ID);
	leaf->flags = sealing->is_home ? inserter_of(row) : LEAF_OF_UNKNOWN;
	if (TimestampDifferenceExceeds(column_int64(row, AUDIT_OCCURRED_AT), sealing->now, LATE_MS))
		leaf->flags |= LEAF_LATE;
	if (leaf->audit_id <= sealing->earlier_id)
		leaf->flags |= LEAF_EARLIER;
	draw_salts(sealing, &leaf->salts);
	leaf->hash = leaf_make(&sealing->maker, row, leaf->flags, &leaf->salts, NULL);
}

/* Write the tiles above one that was written, as far as it fills them. */
static void
write_upper(Sha256 *sha256, int level, int64 tile, TimestampTz now)
{
	while ((tile + 1) % TILE_SIZE == 0)
	{
		MerkleHash roots[TILE_SIZE];
		MerkleHash root;

		audit_tile_roots(level, tile + 1 - TILE_SIZE, TILE_SIZE, roots);
		root = merkle_complete_hash(sha256, roots, TILE_BITS);
		level++;
		tile /= TILE_SIZE;
		audit_tile_insert_upper(level, tile, roots, &root, now);
	}
}

static void
write_tile(Sha256 *sha256, const AuditLeaf *leaves, TimestampTz now)
{
	MerkleHash hashes[TILE_SIZE];
	MerkleHash root;
	int64 tile = leaves[0].leaf_index / TILE_SIZE;

	for (int i = 0; i < TILE_SIZE; i++)
		hashes[i] = leaves[i].hash;
	root = merkle_complete_hash(sha256, hashes, TILE_BITS);
	audit_tile_insert(tile, leaves, &root, now);
	write_upper(sha256, 0, tile, now);
}

/* Append the leaves of a round to the tree. */
static void
append_leaves(AuditTree *tree, Sealing *sealing)
{
	AuditLeaf *tile = palloc(TILE_SIZE * sizeof(AuditLeaf));
	int open = audit_leaf_list(tile);
	int written = open; /* of the tile's leaves, those that have rows */
	Sha256 *sha256 = sha256_create();

	if (open != tree->size % TILE_SIZE)
		elog(ERROR, "the audit tree has " INT64_FORMAT " leaves, and %d of them are in no tile",
			 tree->size, open);
	for (int i = 0; i < sealing->count; i++)
	{
		tile[open] = sealing->leaves[i];
		tile[open++].leaf_index = tree->size++;
		if (open < TILE_SIZE)
			continue;
		write_tile(sha256, tile, sealing->now);
		if (written > 0)
			audit_leaf_delete_all();
		open = 0;
		written = 0;
	}
	for (int i = written; i < open; i++)
		audit_leaf_insert(&tile[i]);
	sha256_free(sha256);
}

/*
 * Seal what is committed and not sealed, up to a number of rows, and return how
 * many they were; more is set if there may be others.  It waits for another
 * round.  What it wrote counts from the commit, which the caller makes durable.
 */
int64
seal_round(bool *more)
{
	AuditTree *tree;
	Sealing *sealing = palloc0(sizeof(Sealing));
	UnsealedVisitor visitor = {begin_scan, seal_row, end_scan, sealing};
	int64 seen;
	int64 settled;

	store_lock_id(LOCK_SEAL, 0, LOCK_EXCLUSIVE);
	tree = audit_tree_load();
	sealing->is_home = tree == NULL || tree->is_home;
	sealing->now = GetCurrentTimestamp();
	tree = origin_follow(tree);
	sealing->earlier_id = tree->earlier_id;
	seen = tree->seen_id;
	settled = tree->settled_id;
	*more = unsealed_visit(tree, ROWS_OF_ROUND, &visitor);
	if (tree->row == NULL || !tree->is_home || sealing->count > 0 || tree->seen_id != seen ||
		tree->settled_id != settled)
	{
		tree_note_change();
		append_leaves(tree, sealing);
		tree->sealed_at = sealing->now;
		audit_tree_save(tree);
	}
	unsealed_keep(tree);
	return sealing->count;
}

/* Whether there may be rows to be sealed. */
bool
seal_is_due(void)
{
	const AuditTree *tree = audit_tree_load();

	return store_last_id(STORE_AUDIT_LOG) > (tree != NULL ? tree->settled_id : 0);
}
