/*
 * tool_definition.h
 *	  The table tool_definition.
 */
#ifndef WFO_STORE_TOOL_DEFINITION_H
#define WFO_STORE_TOOL_DEFINITION_H

#include "postgres.h"

#include "utils/jsonb.h"

enum
{
	TOOL_DEFINITION_SHA256 = 1,
	TOOL_DEFINITION_TOOL,
	TOOL_DEFINITION_DEFINITION,
	TOOL_DEFINITION_FIRST_USED_AT,
	TOOL_DEFINITION_TRANSACTION_ID,
	TOOL_DEFINITION_COLUMNS = TOOL_DEFINITION_TRANSACTION_ID
};

extern Jsonb *tool_definition_load(const bytea *sha256);
extern void tool_definition_keep(const bytea *sha256, const char *tool, Jsonb *definition);

#endif
