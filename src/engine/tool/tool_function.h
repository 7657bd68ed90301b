/*
 * tool_function.h
 *	  Which functions can be tools.
 */
#ifndef WFO_ENGINE_TOOL_FUNCTION_H
#define WFO_ENGINE_TOOL_FUNCTION_H

#include "postgres.h"

#include "access/htup.h"

extern HeapTuple tool_function_fetch(Oid function);
extern void tool_function_check(Oid function);

#endif
