/*
 * tool_status.h
 *	  Whether tools are what they were registered as, for reports.
 */
#ifndef WFO_ENGINE_TOOL_STATUS_H
#define WFO_ENGINE_TOOL_STATUS_H

#include "postgres.h"

extern const char *tool_status(const char *name, const char **problem);
extern const char *tool_change(const char *name, const bytea *pinned);
extern const int64 *tool_max_rows(const char *name, const bytea *pinned);

#endif
