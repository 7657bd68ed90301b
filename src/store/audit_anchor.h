/*
 * audit_anchor.h
 *	  The table audit_anchor.
 */
#ifndef WFO_STORE_AUDIT_ANCHOR_H
#define WFO_STORE_AUDIT_ANCHOR_H

#include "postgres.h"

#include "model/checkpoint.h"
#include "store/table.h"

enum
{
	ANCHOR_ANCHOR_ID = 1,
	ANCHOR_ORIGIN,
	ANCHOR_SIZE,
	ANCHOR_ROOT,
	ANCHOR_KIND,
	ANCHOR_CHECKPOINT,
	ANCHOR_PROOF,
	ANCHOR_RECORDED_AT,
	ANCHOR_ACTOR_ID,
	ANCHOR_COLUMNS = ANCHOR_ACTOR_ID
};

typedef struct Anchor
{
	int64 anchor_id;
	Checkpoint checkpoint;
	const char *kind;
	const char *text; /* of the checkpoint, with signatures; not when it is listed */
	bytea *proof;     /* not when it is listed */
	const int64 *actor_id;
} Anchor;

extern void anchor_insert(const Anchor *anchor);
extern Anchor *anchor_list(int *count);

#endif
