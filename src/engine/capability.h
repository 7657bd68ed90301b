/*
 * capability.h
 *	  Grants, revokes and judges capabilities.
 */
#ifndef WFO_ENGINE_CAPABILITY_H
#define WFO_ENGINE_CAPABILITY_H

#include "postgres.h"

#include "model/capability.h"

extern bool capability_is_held(Oid role, Capability capability);
extern void capability_grant(Oid role, const char *capability);
extern void capability_revoke(Oid role, const char *capability);

#endif
