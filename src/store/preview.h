/*
 * preview.h
 *	  The table preview.
 */
#ifndef WFO_STORE_PREVIEW_H
#define WFO_STORE_PREVIEW_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/timestamp.h"

enum
{
	PREVIEW_PREVIEW_ID = 1,
	PREVIEW_PROPOSAL_ID,
	PREVIEW_WORKFLOW_ID,
	PREVIEW_REVISION,
	PREVIEW_ACTOR_ID,
	PREVIEW_PREVIEWED_AT,
	PREVIEW_PREVIEW,
	PREVIEW_COLUMNS = PREVIEW_PREVIEW
};

typedef struct Preview
{
	int64 preview_id;
	int64 proposal_id;
	int64 workflow_id;
	int64 revision;
	const int64 *actor_id; /* NULL: nobody in particular */
	TimestampTz previewed_at;
	Jsonb *preview; /* not when it is loaded */
} Preview;

extern Preview *preview_load(int64 preview_id);
extern void preview_insert(const Preview *preview);

#endif
