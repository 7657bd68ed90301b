/*
 * changes.h
 *	  What a subtransaction has changed in the tables.
 */
#ifndef WFO_ENGINE_CHANGES_H
#define WFO_ENGINE_CHANGES_H

#include "postgres.h"

#include "engine/tool/changed_rows.h"
#include "utils/jsonb.h"

typedef struct Changes
{
	Jsonb *tables; /* an array: table, inserted, updated, deleted, truncated, rows */
	bool catalogs; /* the system catalogs too: tables, functions, grants and the like */
} Changes;

extern void changes_read(Changes *changes, RowAllowance *rows);

#endif
