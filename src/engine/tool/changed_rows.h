/*
 * changed_rows.h
 *	  Shows a reviewer the rows that a call has changed.
 */
#ifndef WFO_ENGINE_CHANGED_ROWS_H
#define WFO_ENGINE_CHANGED_ROWS_H

#include "postgres.h"

#include "base/json.h"
#include "base/subtransaction.h"
#include "nodes/pg_list.h"

/* Which rows may be shown, and how many. */
typedef struct RowAllowance
{
	SubtransactionMark by; /* the subtransaction that changed them */
	int64 per_table;
	Size room; /* bytes left for the rows of all tables */
} RowAllowance;

extern void changed_rows_add(JsonObject *entry, Oid table, const List *parts,
							 RowAllowance *allowance);

#endif
