/*
 * names.h
 *	  Names of the extension that more than one file needs.
 */
#ifndef WFO_BASE_NAMES_H
#define WFO_BASE_NAMES_H

#include "postgres.h"

#include "catalog/namespace.h"

#define WFO_NAME "workflow_orch"
#define WFO_SCHEMA "workflow_orch"
#define WFO_CHANNEL "workflow_orch"

/* The extension's schema, which is fixed. */
static inline Oid
extension_schema(void)
{
	return get_namespace_oid(WFO_SCHEMA, false);
}

#endif
