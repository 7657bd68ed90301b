/*
 * freeze.h
 *	  The table freeze_window.
 */
#ifndef WFO_STORE_FREEZE_H
#define WFO_STORE_FREEZE_H

#include "postgres.h"

#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	FREEZE_FREEZE_ID = 1,
	FREEZE_TITLE,
	FREEZE_STARTS_AT,
	FREEZE_ENDS_AT,
	FREEZE_TOOL,
	FREEZE_ADDED_AT,
	FREEZE_ADDED_BY,
	FREEZE_REMOVED_AT,
	FREEZE_REMOVED_BY,
	FREEZE_COLUMNS = FREEZE_REMOVED_BY
};

typedef struct Freeze
{
	int64 freeze_id;
	char *title;
	TimestampTz starts_at;
	TimestampTz ends_at;
	char *tool; /* NULL: all tools */
	bool removed;
	StoredRow *row; /* of one that is locked */
} Freeze;

typedef struct FreezeList
{
	int count;
	Freeze *freezes;
} FreezeList;

extern const FreezeList *freeze_list(void);
extern Freeze *freeze_lock(int64 freeze_id);
extern void freeze_insert(const Freeze *freeze, const int64 *added_by);
extern void freeze_mark_removed(Freeze *freeze, const int64 *removed_by);

#endif
