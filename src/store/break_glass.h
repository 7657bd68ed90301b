/*
 * break_glass.h
 *	  The table break_glass.
 */
#ifndef WFO_STORE_BREAK_GLASS_H
#define WFO_STORE_BREAK_GLASS_H

#include "postgres.h"

#include "model/person.h"
#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	BREAK_GLASS_EXECUTION_ID = 1,
	BREAK_GLASS_PROPOSAL_ID,
	BREAK_GLASS_WORKFLOW_ID,
	BREAK_GLASS_REVISION,
	BREAK_GLASS_ACTOR_ID,
	BREAK_GLASS_BROKEN_AT,
	BREAK_GLASS_FREEZE_ID,
	BREAK_GLASS_REASON,
	BREAK_GLASS_PERSON,
	BREAK_GLASS_DB_ROLE,
	BREAK_GLASS_LOGIN,
	BREAK_GLASS_REVIEWED_AT,
	BREAK_GLASS_REVIEWER_ID,
	BREAK_GLASS_COMMENT,
	BREAK_GLASS_PROPOSED_BY,
	BREAK_GLASS_COLUMNS = BREAK_GLASS_PROPOSED_BY
};

typedef struct BreakGlass
{
	int64 execution_id;
	int64 proposal_id;
	int64 proposed_by;
	int64 workflow_id;
	int64 revision;
	Person person; /* who broke the glass, as known then */
	TimestampTz broken_at;
	const int64 *freeze_id; /* that stood at the time, or NULL */
	const char *reason;
	bool reviewed;
	StoredRow *row; /* of one that is locked */
} BreakGlass;

extern BreakGlass *break_glass_lock(int64 execution_id);
extern BreakGlass *break_glass_load(int64 execution_id);
extern BreakGlass *break_glass_list_open(int *count);
extern bool break_glass_is_open_in(int64 workflow_id);
extern void break_glass_insert(const BreakGlass *broken);
extern void break_glass_mark_reviewed(const BreakGlass *broken, int64 reviewer_id,
									  const char *comment);

#endif
