/*
 * tool.h
 *	  The table tool.
 */
#ifndef WFO_STORE_TOOL_H
#define WFO_STORE_TOOL_H

#include "postgres.h"

#include "model/status.h"
#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	TOOL_TOOL = 1,
	TOOL_ENABLED,
	TOOL_IN_SESSION,
	TOOL_PREVIEW,
	TOOL_DRY_RUN_MODE,
	TOOL_MAX_ATTEMPTS,
	TOOL_TIMEOUT,
	TOOL_RERUN,
	TOOL_MAX_ROWS,
	TOOL_PREVIEW_ROWS,
	TOOL_GROUP_SIZE,
	TOOL_FUNCTION,
	TOOL_RUN_AS,
	TOOL_RUN_AS_OID,
	TOOL_SEARCH_PATH,
	TOOL_DESCRIPTION,
	TOOL_REGISTERED_AT,
	TOOL_CHANGED_BY,
	TOOL_HOME_SYSTEM,
	TOOL_HOME_DATABASE,
	TOOL_FORMER_RUN_AS,
	TOOL_BUILT_IN,
	TOOL_DEFINITION,
	TOOL_COLUMNS = TOOL_DEFINITION
};

/* Largest number of changed rows that a preview shows of each table. */
#define TOOL_PREVIEW_ROWS_MAX 1000

typedef struct Tool
{
	char *tool;
	bool enabled;
	bool in_session;
	bool preview;
	DryRunMode dry_run_mode;
	int64 max_attempts;
	Interval *timeout; /* NULL: the policy's default */
	bool rerun; /* false: it has effects that a rollback does not undo, and is never run twice */
	int64 *max_rows;    /* most rows that a call may change; NULL: any number */
	int64 preview_rows; /* of each table, in a preview */
	int64 group_size;   /* queued calls that may share a transaction */
	char *function;     /* qualified signature */
	char *run_as;       /* NULL: built in; see engine/identity/binding.h for what it is today */
	Oid run_as_oid;
	bool run_as_is_home; /* it was given in this database */
	List *former_run_as; /* names of the role before it was renamed */
	char *search_path;
	bool built_in;
	bytea *definition; /* that was last set; NULL: built in */
	StoredRow *row;
} Tool;

extern const Tool *tool_load(const char *name);
extern List *tool_list(void);
extern Tool *tool_lock(const char *name, LockWaitPolicy wait);

#endif
