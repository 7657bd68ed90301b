/*
 * kept.h
 *	  The hashes of a leaf whose values have been redacted.
 */
#ifndef WFO_ENGINE_KEPT_H
#define WFO_ENGINE_KEPT_H

#include "postgres.h"

#include "engine/audit/leaf.h"
#include "store/audit_tile.h"

extern bool salt_is_dropped(const LeafSalts *salts, LeafGroup group);
extern void leaf_kept_load(const AuditLeaf *leaf, LeafKept *kept);
extern MerkleHash leaf_make_again(LeafMaker *maker, const AuditLeaf *leaf, const StoredRow *row,
								  LeafKept *kept);

#endif
