/*
 * row_json.c
 *	  A row of any table as JSON.
 *
 * It shows a row to people and compares it with what was shown before, so it
 * owns no knowledge of columns.  How timestamps are written depends on the
 * settings, which are the caller's business.
 */
#include "postgres.h"

#include "base/json.h"
#include "store/row_json.h"

/* The row that a scan finds first, with its columns that are not null; NULL if there is none. */
static Jsonb *
first_row(StoreTable table, const char *index, int nkeys, ScanKey key)
{
	StoreScan scan;
	StoredRow *row;
	JsonObject object;

	store_scan_begin(&scan, table, index, nkeys, key);
	row = store_scan_next(&scan);
	json_object_begin(&object);
	for (AttrNumber column = 1; row != NULL && column <= store_table_columns(table); column++)
	{
		Form_pg_attribute attribute = TupleDescAttr(row->desc, column - 1);

		if (!column_is_null(row, column))
			json_add_jsonb(&object, NameStr(attribute->attname),
						   json_from_datum(row->values[column - 1], false, attribute->atttypid));
	}
	store_scan_end(&scan);
	return row != NULL ? json_object_end(&object) : NULL;
}

/* The row of a table whose key is an id, or NULL. */
Jsonb *
row_json_by_id(StoreTable table, int64 id)
{
	ScanKeyData key;

	store_key_int64(&key, 1, id);
	return first_row(table, psprintf("%s_pkey", store_table_name(table)), 1, &key);
}

/* The row of a table whose key is a name, or NULL. */
Jsonb *
row_json_by_name(StoreTable table, const char *name)
{
	ScanKeyData key;

	store_key_text(&key, 1, name);
	return first_row(table, psprintf("%s_pkey", store_table_name(table)), 1, &key);
}

/* The row of a table that has no more than one, or NULL. */
Jsonb *
row_json_only(StoreTable table)
{
	return first_row(table, NULL, 0, NULL);
}
