/*
 * tool.h
 *	  Registers and changes tools.
 */
#ifndef WFO_ENGINE_TOOL_H
#define WFO_ENGINE_TOOL_H

#include "postgres.h"

#include "model/status.h"
#include "utils/timestamp.h"

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
} ToolRequest;

extern void tool_register(const ToolRequest *request);
extern void tool_update(const ToolRequest *request);
extern void tool_set_enabled(const char *name, bool enabled);

#endif
