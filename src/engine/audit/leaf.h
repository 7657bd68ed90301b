/*
 * leaf.h
 *	  The leaf that a row of the audit log becomes in the tree.
 */
#ifndef WFO_ENGINE_LEAF_H
#define WFO_ENGINE_LEAF_H

#include "postgres.h"

#include "engine/audit/leaf_rows.h"
#include "lib/stringinfo.h"
#include "model/merkle.h"
#include "store/audit_tile.h"
#include "store/table.h"

/* The hashes of groups that have been redacted, by their number. */
typedef struct LeafKept
{
	bool is_kept[LEAF_GROUPS];
	MerkleHash hash[LEAF_GROUPS];
} LeafKept;

/* Makes leaves; good for one scan of the audit log. */
typedef struct LeafMaker
{
	Sha256 *sha256;
	LeafRowReader reader;
	MemoryContext row_memory;           /* of what one leaf needs on the way */
	StringInfoData groups[LEAF_GROUPS]; /* what each hash of a group is of, with its salt */
	StringInfoData facts;
	StringInfoData entry;
	LeafRow rows[LEAF_ROWS_MAX]; /* that the row tells of */
	int nrows;
} LeafMaker;

extern void leaf_maker_begin(LeafMaker *maker);
extern MerkleHash leaf_make(LeafMaker *maker, const StoredRow *row, uint8 flags,
							const LeafSalts *salts, const LeafKept *kept);
extern MerkleHash leaf_group_hash(LeafMaker *maker, LeafGroup group);
extern int leaf_told_rows(const StoredRow *row, LeafRow *rows);
extern void leaf_maker_end(LeafMaker *maker);
extern bool leaf_member_is_fact(const char *action, const char *key, int length, bool is_text);

#endif
