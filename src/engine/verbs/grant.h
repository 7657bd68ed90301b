/*
 * grant.h
 *	  Grants and revokes capabilities.
 */
#ifndef WFO_ENGINE_GRANT_H
#define WFO_ENGINE_GRANT_H

#include "postgres.h"

extern void capability_grant(Oid role, const char *capability);
extern void capability_revoke(Oid role, const char *capability);
extern void grant_run_sql(Oid role);

#endif
