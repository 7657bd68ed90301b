/*
 * hold.h
 *	  Sets and releases legal holds on workflows.
 */
#ifndef WFO_ENGINE_HOLD_H
#define WFO_ENGINE_HOLD_H

#include "postgres.h"

extern int64 hold_set(int64 workflow_id, const int64 *actor_id, const char *reason);
extern void hold_release(int64 workflow_id, const int64 *actor_id, const char *reason);

#endif
