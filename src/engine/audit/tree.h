/*
 * tree.h
 *	  Reads the tree: roots, checkpoints, proofs.
 */
#ifndef WFO_ENGINE_TREE_H
#define WFO_ENGINE_TREE_H

#include "postgres.h"

#include "model/merkle.h"
#include "utils/jsonb.h"

extern void tree_note_change(void);
extern int64 tree_size(void);
extern MerkleHash tree_root(int64 size);
extern char *tree_checkpoint(void);
extern bytea *tree_entry(int64 audit_id);
extern Jsonb *tree_path(int64 leaf_index, int64 size);
extern Jsonb *tree_proof(int64 audit_id, const int64 *size);
extern Jsonb *tree_consistency(int64 from, const int64 *to);

#endif
