/*
 * hold.h
 *	  The table workflow_hold.
 */
#ifndef WFO_STORE_HOLD_H
#define WFO_STORE_HOLD_H

#include "postgres.h"

#include "store/table.h"

enum
{
	HOLD_HOLD_ID = 1,
	HOLD_WORKFLOW_ID,
	HOLD_HELD_AT,
	HOLD_HELD_BY,
	HOLD_REASON,
	HOLD_RELEASED_AT,
	HOLD_RELEASED_BY,
	HOLD_RELEASE_REASON,
	HOLD_COLUMNS = HOLD_RELEASE_REASON
};

/* A hold that stands. */
typedef struct Hold
{
	int64 hold_id;
	char *reason;
	StoredRow *row;
} Hold;

extern Hold *hold_find(int64 workflow_id);
extern int64 hold_insert(int64 workflow_id, const int64 *held_by, const char *reason);
extern void hold_mark_released(const Hold *hold, const int64 *released_by, const char *reason);

#endif
