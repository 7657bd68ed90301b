/*
 * tool_path.h
 *	  The search_path that a tool keeps.
 */
#ifndef WFO_ENGINE_TOOL_PATH_H
#define WFO_ENGINE_TOOL_PATH_H

#include "postgres.h"

extern char *tool_path_current(void);

#endif
