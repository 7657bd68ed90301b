/*
 * capability.h
 *	  Which capabilities a role has.
 */
#ifndef WFO_ENGINE_CAPABILITY_H
#define WFO_ENGINE_CAPABILITY_H

#include "postgres.h"

#include "model/capability.h"
#include "nodes/pg_list.h"

extern bool capability_is_held(Oid role, Capability capability);
extern List *capability_grantees(Capability capability);
extern Oid capability_function(const char *name);

#endif
