/*
 * redact_row.h
 *	  What a redaction makes of a row.
 */
#ifndef WFO_ENGINE_REDACT_ROW_H
#define WFO_ENGINE_REDACT_ROW_H

#include "postgres.h"

#include "engine/audit/leaf.h"
#include "store/table.h"

extern bool table_is_personal(StoreTable table);
extern bool row_is_personal(StoreTable table, const StoredRow *row);
extern bool told_row_has_more(const LeafRow *told);
extern void redact_row(StoreTable table, StoredRow *row);
extern void redact_statement(StoredRow *log_row);

#endif
