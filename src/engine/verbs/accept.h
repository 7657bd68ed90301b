/*
 * accept.h
 *	  Accepts a tool as it is now for all its open proposals.
 */
#ifndef WFO_ENGINE_ACCEPT_H
#define WFO_ENGINE_ACCEPT_H

#include "postgres.h"

extern int64 tool_accept_definition(const char *name, const int64 *actor_id, const char *reason);

#endif
