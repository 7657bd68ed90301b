/*
 * standing.h
 *	  The tables standing_approval and standing_use.
 */
#ifndef WFO_STORE_STANDING_H
#define WFO_STORE_STANDING_H

#include "postgres.h"

#include "model/condition.h"
#include "store/table.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

enum
{
	STANDING_STANDING_ID = 1,
	STANDING_PROPOSAL_ID,
	STANDING_TOOL,
	STANDING_ACTOR_ID,
	STANDING_DB_ROLE,
	STANDING_USES,
	STANDING_ENDS_AT,
	STANDING_CONDITION,
	STANDING_MAX_ROWS,
	STANDING_DESCRIPTION,
	STANDING_DEFINITION,
	STANDING_REQUIREMENTS,
	STANDING_APPROVED_BY,
	STANDING_STARTED_AT,
	STANDING_ENDED_AT,
	STANDING_ENDED_BY,
	STANDING_END_REASON,
	STANDING_COLUMNS = STANDING_END_REASON
};

enum
{
	STANDING_USE_STANDING_ID = 1,
	STANDING_USE_ACTOR_ID,
	STANDING_USE_USED,
	STANDING_USE_COLUMNS = STANDING_USE_USED
};

typedef struct Standing
{
	int64 standing_id;
	int64 proposal_id;
	char *tool;
	int64 actor_id; /* its holder */
	char *db_role;  /* of the holder, when it was approved */
	int64 uses;
	TimestampTz ends_at;
	Condition condition;
	int64 *max_rows; /* NULL: no limit of its own */
	char *description;
	bytea *definition;
	Jsonb *requirements; /* that it was given */
	List *approved_by;   /* int64 * */
	bool ended;          /* before its time */
	StoredRow *row;      /* of a locked one */
} Standing;

/* The standing approvals of a holder that have not been ended, oldest first. */
typedef struct StandingList
{
	int count;
	Standing *standings;
} StandingList;

extern const StandingList *standing_list(int64 actor_id);
extern Standing *standing_load(int64 standing_id);
extern Standing *standing_lock(int64 standing_id);
extern int64 standing_insert(const Standing *standing);
extern void standing_mark_ended(const Standing *standing, const int64 *ended_by,
								const char *reason);
extern bool standing_is_in_force(const Standing *standing);
extern bool standing_is_made_by(int64 proposal_id);
extern int64 standing_used(int64 standing_id);
extern StoredRow *standing_use_lock(int64 standing_id, int64 *used);
extern void standing_use_count(StoredRow *row, int64 used);

#endif
