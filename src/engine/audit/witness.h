/*
 * witness.h
 *	  What the tree must have been: checkpoints that were kept.
 */
#ifndef WFO_ENGINE_WITNESS_H
#define WFO_ENGINE_WITNESS_H

#include "postgres.h"

#include "engine/audit/finding.h"
#include "model/checkpoint.h"
#include "store/audit_tree.h"

/* A root that the tree must have had at a size. */
typedef struct Witness
{
	int64 size;
	MerkleHash root;
	int64 anchor_id; /* 0: the checkpoint that verify_audit_log() was given */
	int64 limit;     /* size at which the tree left its origin; -1: it has not */
} Witness;

/* Some of these, by size. */
typedef struct Witnesses
{
	Witness *list;
	int count;
	int size;
} Witnesses;

extern void witness_add_checkpoint(Witnesses *witnesses, const char *text);
extern void witness_add_anchors(const Findings *findings, Witnesses *witnesses);
extern void witness_sort(Witnesses *witnesses);
extern void witness_check(const Findings *findings, const Witness *witness, const MerkleHash *root);
extern void witness_check_longer(const Findings *findings, const Witness *witness, int64 size);

#endif
