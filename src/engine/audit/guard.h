/*
 * guard.h
 *	  Refuses illegal writes to the extension's tables.
 */
#ifndef WFO_ENGINE_GUARD_H
#define WFO_ENGINE_GUARD_H

#include "postgres.h"

#include "utils/rel.h"

extern HeapTuple guard_insert(Relation rel, HeapTuple tuple);
extern void guard_update(Relation rel, HeapTuple old, HeapTuple new);
extern void guard_delete(Relation rel, const char *command);

#endif
