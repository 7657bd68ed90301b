/*
 * merkle.h
 *	  The Merkle tree of RFC 6962: roots and proofs.
 */
#ifndef WFO_MODEL_MERKLE_H
#define WFO_MODEL_MERKLE_H

#include "postgres.h"

#include "base/hash.h"

typedef struct MerkleHash
{
	uint8 bytes[SHA256_LENGTH];
} MerkleHash;

/*
 * Returns the hash of a complete subtree: that of the 2^level leaves from
 * index * 2^level on.
 */
typedef MerkleHash (*MerkleNode)(void *arg, int level, int64 index);

/* A tree, of which the caller keeps the hashes. */
typedef struct MerkleTree
{
	MerkleNode node;
	void *arg;
	Sha256 *sha256;
} MerkleTree;

/* Hashes of a proof, from the leaves up: no more than two for each level of a tree. */
#define MERKLE_PATH_MAX 128

typedef struct MerklePath
{
	int length;
	MerkleHash hashes[MERKLE_PATH_MAX];
} MerklePath;

extern MerkleHash merkle_leaf_hash(Sha256 *sha256, const void *data, Size length);
extern MerkleHash merkle_node_hash(Sha256 *sha256, const MerkleHash *left, const MerkleHash *right);
extern MerkleHash merkle_complete_hash(Sha256 *sha256, const MerkleHash *hashes, int level);
extern MerkleHash merkle_root(const MerkleTree *tree, int64 size);
extern void merkle_inclusion(const MerkleTree *tree, int64 leaf, int64 size, MerklePath *path);
extern void merkle_consistency(const MerkleTree *tree, int64 from, int64 to, MerklePath *path);

#endif
