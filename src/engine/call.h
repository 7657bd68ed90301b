/*
 * call.h
 *	  What every call of the SQL interface checks before anything else.
 */
#ifndef WFO_ENGINE_CALL_H
#define WFO_ENGINE_CALL_H

#include "postgres.h"

extern void call_begin(const char *function);
extern void call_mark_direct(void);
extern bool call_is_direct(void);
extern void call_begin_waiting(const char *function);
extern void call_begin_in_tool(const char *function);
extern void call_begin_read(const char *function);

#endif
