/*
 * audit_tile.h
 *	  The tables audit_tile and audit_leaf: the hashes of the tree.
 */
#ifndef WFO_STORE_AUDIT_TILE_H
#define WFO_STORE_AUDIT_TILE_H

#include "postgres.h"

#include "model/merkle.h"
#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	LEAF_LEAF_INDEX = 1,
	LEAF_AUDIT_ID,
	LEAF_FLAGS,
	LEAF_HASH,
	LEAF_SALTS,
	LEAF_COLUMNS = LEAF_SALTS
};

enum
{
	TILE_LEVEL = 1,
	TILE_TILE,
	TILE_ROOT,
	TILE_HASHES,
	TILE_MIN_AUDIT_ID,
	TILE_MAX_AUDIT_ID,
	TILE_AUDIT_IDS,
	TILE_FLAGS,
	TILE_SALTS,
	TILE_SEALED_AT,
	TILE_COLUMNS = TILE_SEALED_AT
};

/* A tile has 2^TILE_BITS hashes. */
#define TILE_BITS 8
#define TILE_SIZE (1 << TILE_BITS)

/* Levels of tiles that a tree of any size can have. */
#define TILE_LEVELS 8

/* The groups of a leaf that begin with a salt, in the order of the salts. */
typedef enum LeafGroup
{
	GROUP_WHO,
	GROUP_WHAT,
	GROUP_ROWS
} LeafGroup;

#define LEAF_GROUPS 3
#define SALT_LENGTH 16

typedef struct LeafSalts
{
	uint8 group[LEAF_GROUPS][SALT_LENGTH];
} LeafSalts;

/* Groups of a leaf whose salts are dropped. */
typedef struct LeafDrop
{
	int64 leaf_index;
	bool drops[LEAF_GROUPS];
} LeafDrop;

/* How the sealer found a row: one of the first three, and others with it. */
#define LEAF_OF_OTHER 0   /* another transaction inserted it than the one that it names */
#define LEAF_OF_NAMED 1   /* the transaction that it names inserted it */
#define LEAF_OF_UNKNOWN 2 /* the server does not know any more */
#define LEAF_LATE 4       /* more than an hour after the row's time */
#define LEAF_EARLIER 8    /* the row's id was taken before the first round */

/* Which of the first three it is. */
#define LEAF_INSERTER(flags) ((flags) &3)

typedef struct AuditLeaf
{
	int64 leaf_index;
	int64 audit_id;
	uint8 flags;
	MerkleHash hash;
	LeafSalts salts;
} AuditLeaf;

/* Looks for leaves, and keeps the tile that was read last. */
typedef struct LeafFinder
{
	AuditLeaf *leaves;
	int count;
} LeafFinder;

/* A tile of leaves, as it is read one after the other. */
typedef struct AuditTile
{
	int64 tile;
	bool is_whole; /* else its columns do not have the bytes that they must, and are not read */
	MerkleHash root;
	int64 lowest; /* audit_id */
	int64 highest;
	AuditLeaf leaves[TILE_SIZE];
} AuditTile;

extern void audit_leaf_insert(const AuditLeaf *leaf);
extern int audit_leaf_list(AuditLeaf *leaves);
extern void audit_leaf_delete_all(void);

extern void audit_tile_insert(int64 tile, const AuditLeaf *leaves, const MerkleHash *root,
							  TimestampTz sealed_at);
extern void audit_tile_insert_upper(int level, int64 tile, const MerkleHash *hashes,
									const MerkleHash *root, TimestampTz sealed_at);
extern bool audit_tile_hashes(int level, int64 tile, MerkleHash *hashes, MerkleHash *root);
extern void audit_tile_roots(int level, int64 first, int count, MerkleHash *roots);
extern bool audit_tile_leaves(int64 tile, AuditLeaf *leaves);
extern void audit_leaf_drop_salts(const LeafDrop *drops, int count);
extern void leaf_finder_begin(LeafFinder *finder);
extern bool leaf_finder_find(LeafFinder *finder, int64 audit_id, AuditLeaf *leaf);
extern bool leaf_finder_read(LeafFinder *finder, int64 leaf_index, AuditLeaf *leaf);
extern void leaf_finder_end(LeafFinder *finder);
extern bool audit_leaf_find(int64 audit_id, AuditLeaf *leaf);
extern void audit_tile_scan_begin(StoreScan *scan);
extern bool audit_tile_scan_next(StoreScan *scan, AuditTile *tile);
extern int64 audit_tile_last(int level);

/* Called for each tile of level 0 that may have rows above an id. */
typedef void (*TileVisit)(void *arg, int64 tile);

extern void audit_tile_each_above(int64 audit_id, TileVisit visit, void *arg);

#endif
