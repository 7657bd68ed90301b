/*
 * merkle.c
 *	  The Merkle tree of RFC 6962: roots and proofs.
 *
 * Owns how the hashes of a tree are computed from each other, and which of them
 * prove that a leaf is in the tree (section 2.1.1) or that a tree extends an
 * earlier one (section 2.1.2).  Any implementation of the RFC, or of its
 * successor RFC 9162, checks these proofs.  This file keeps no hashes: the caller
 * has those of complete subtrees.
 */
#include "postgres.h"

#include "model/merkle.h"
#include "port/pg_bitutils.h"

/* The hash of a leaf is never that of a node: their first bytes differ. */
static const uint8 leaf_prefix = 0;
static const uint8 node_prefix = 1;

MerkleHash
merkle_leaf_hash(Sha256 *sha256, const void *data, Size length)
{
	MerkleHash hash;

	sha256_begin(sha256);
	sha256_add(sha256, &leaf_prefix, 1);
	sha256_add(sha256, data, length);
	sha256_end(sha256, hash.bytes);
	return hash;
}

MerkleHash
merkle_node_hash(Sha256 *sha256, const MerkleHash *left, const MerkleHash *right)
{
	MerkleHash hash;
	uint8 bytes[1 + 2 * SHA256_LENGTH];

	bytes[0] = node_prefix;
	memcpy(bytes + 1, left->bytes, SHA256_LENGTH);
	memcpy(bytes + 1 + SHA256_LENGTH, right->bytes, SHA256_LENGTH);
	sha256_begin(sha256);
	sha256_add(sha256, bytes, sizeof(bytes));
	sha256_end(sha256, hash.bytes);
	return hash;
}

/* The hash of a complete subtree from the hashes of its 2^level nodes. */
MerkleHash
merkle_complete_hash(Sha256 *sha256, const MerkleHash *hashes, int level)
{
	MerkleHash left;
	MerkleHash right;

	Assert(level >= 0);
	if (level == 0)
		return hashes[0];
	left = merkle_complete_hash(sha256, hashes, level - 1);
	right = merkle_complete_hash(sha256, hashes + (1 << (level - 1)), level - 1);
	return merkle_node_hash(sha256, &left, &right);
}

/* How many of these leaves go to the left: the largest power of two below their number. */
static int64
left_part(int64 count)
{
	Assert(count >= 2);
	return INT64CONST(1) << pg_leftmost_one_pos64((uint64) count - 1);
}

static bool
is_power_of_two(int64 count)
{
	return (count & (count - 1)) == 0;
}

/*
 * The hash of the leaves from first to before end, which are a complete subtree
 * or the right edge of the tree.
 */
static MerkleHash
hash_of_range(const MerkleTree *tree, int64 first, int64 end)
{
	int64 count = end - first;
	MerkleHash left;
	MerkleHash right;

	Assert(count > 0);
	if (is_power_of_two(count))
	{
		int level = pg_leftmost_one_pos64((uint64) count);

		Assert(first % count == 0);
		return tree->node(tree->arg, level, first >> level);
	}
	left = hash_of_range(tree, first, first + left_part(count));
	right = hash_of_range(tree, first + left_part(count), end);
	return merkle_node_hash(tree->sha256, &left, &right);
}

/* The root of the tree's first leaves; of no leaf it is the hash of nothing. */
MerkleHash
merkle_root(const MerkleTree *tree, int64 size)
{
	MerkleHash hash;

	if (size > 0)
		return hash_of_range(tree, 0, size);
	sha256_begin(tree->sha256);
	sha256_end(tree->sha256, hash.bytes);
	return hash;
}

static void
add_to_path(const MerkleTree *tree, int64 first, int64 end, MerklePath *path)
{
	Assert(path->length < MERKLE_PATH_MAX);
	path->hashes[path->length++] = hash_of_range(tree, first, end);
}

static void
add_inclusion(const MerkleTree *tree, int64 leaf, int64 first, int64 end, MerklePath *path)
{
	int64 middle;

	if (end - first == 1)
		return;
	middle = first + left_part(end - first);
	if (leaf < middle)
	{
		add_inclusion(tree, leaf, first, middle, path);
		add_to_path(tree, middle, end, path);
	}
	else
	{
		add_inclusion(tree, leaf, middle, end, path);
		add_to_path(tree, first, middle, path);
	}
}

/* The proof that a leaf, counted from 0, is in the tree of this size. */
void
merkle_inclusion(const MerkleTree *tree, int64 leaf, int64 size, MerklePath *path)
{
	Assert(leaf >= 0 && leaf < size);
	path->length = 0;
	add_inclusion(tree, leaf, 0, size, path);
}

/*
 * Add the proof that the first leaves of a range, up to known, are a tree that was
 * there before.  is_start: the range begins with the tree's first leaf, so the
 * verifier knows that tree's root.
 */
static void
add_consistency(const MerkleTree *tree, int64 known, int64 first, int64 end, bool is_start,
				MerklePath *path)
{
	int64 middle;

	if (known == end)
	{
		if (!is_start)
			add_to_path(tree, first, end, path);
		return;
	}
	middle = first + left_part(end - first);
	if (known <= middle)
	{
		add_consistency(tree, known, first, middle, is_start, path);
		add_to_path(tree, middle, end, path);
	}
	else
	{
		add_consistency(tree, known, middle, end, false, path);
		add_to_path(tree, first, middle, path);
	}
}

/*
 * The proof that the tree of the size to begins with the tree of the size from;
 * empty if one is the other, or if the earlier one was empty.
 */
void
merkle_consistency(const MerkleTree *tree, int64 from, int64 to, MerklePath *path)
{
	Assert(from >= 0 && from <= to);
	path->length = 0;
	if (from > 0 && from < to)
		add_consistency(tree, from, 0, to, true, path);
}
