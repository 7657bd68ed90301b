/*
 * row_json.h
 *	  A row of any table as JSON.
 */
#ifndef WFO_STORE_ROW_JSON_H
#define WFO_STORE_ROW_JSON_H

#include "postgres.h"

#include "store/table.h"
#include "utils/jsonb.h"

extern Jsonb *row_json_by_id(StoreTable table, int64 id);
extern Jsonb *row_json_by_name(StoreTable table, const char *name);
extern Jsonb *row_json_only(StoreTable table);

#endif
