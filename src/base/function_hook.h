/*
 * function_hook.h
 *	  The extension's hook on calls of functions.
 */
#ifndef WFO_BASE_FUNCTION_HOOK_H
#define WFO_BASE_FUNCTION_HOOK_H

#include "postgres.h"

/* Looks at a function that the executor is about to call, and may refuse it. */
typedef void (*FunctionQuestion)(Oid function);

extern void function_hook_ask(FunctionQuestion question);

#endif
