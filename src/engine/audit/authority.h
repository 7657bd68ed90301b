/*
 * authority.h
 *	  On whose authority the administration was changed, for its audit row.
 */
#ifndef WFO_ENGINE_AUTHORITY_H
#define WFO_ENGINE_AUTHORITY_H

#include "postgres.h"

#include "base/json.h"
#include "store/audit_log.h"

extern void authority_add(AuditEntry *entry, JsonObject *details);
extern void authority_add_to_workflow(JsonObject *details);

#endif
