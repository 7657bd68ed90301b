/*
 * tool.h
 *	  Registers and changes tools.
 */
#ifndef WFO_ENGINE_TOOL_H
#define WFO_ENGINE_TOOL_H

#include "postgres.h"

#include "model/status.h"
#include "utils/timestamp.h"

/* The value of max_rows that lifts the limit of a tool. */
#define TOOL_NO_MAX_ROWS INT64CONST(-1)

typedef struct ToolRequest
{
	char *tool;
	Oid function; /* InvalidOid: not given */
	Oid run_as;
	char *description;
	Interval *timeout;
	int64 *max_attempts;
	bool *in_session;
	bool *preview;
	DryRunMode *dry_run_mode;
	bool *rerun;
	int64 *max_rows; /* tool_update: TOOL_NO_MAX_ROWS lifts the limit */
	int64 *preview_rows;
	int64 *group_size;
} ToolRequest;

extern void tool_register(const ToolRequest *request);
extern void tool_update(const ToolRequest *request);
extern void tool_set_enabled(const char *name, bool enabled);

#endif
