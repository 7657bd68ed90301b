/*
 * checkpoint.h
 *	  The text of a checkpoint: what a tree was at some time.
 */
#ifndef WFO_MODEL_CHECKPOINT_H
#define WFO_MODEL_CHECKPOINT_H

#include "postgres.h"

#include "model/merkle.h"

typedef struct Checkpoint
{
	const char *origin;
	int64 size;
	MerkleHash root;
} Checkpoint;

extern char *checkpoint_write(const Checkpoint *checkpoint);
extern bool checkpoint_read(const char *text, Checkpoint *checkpoint, const char **problem);
extern bool checkpoint_origin_is_valid(const char *origin);

#endif
