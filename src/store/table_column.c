/*
 * table_column.c
 *	  Reads the columns of a row.
 *
 * Owns how a stored value becomes a C value: a copy in the current memory
 * context.  It does not know which columns a table has.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "base/enum.h"
#include "base/errors.h"
#include "catalog/pg_type.h"
#include "store/table.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

/* A copy of a row outlives its table's descriptor, so its types are unknown. */
#define AssertColumn(row, column) \
	Assert((column) >= 1 && (column) <= STORE_MAX_COLUMNS && \
		   ((row)->desc == NULL || (column) <= (row)->desc->natts))
#define AssertColumnType(row, column, type) \
	Assert((row)->desc == NULL || TupleDescAttr((row)->desc, (column) -1)->atttypid == (type))

bool
column_is_null(const StoredRow *row, AttrNumber column)
{
	AssertColumn(row, column);
	return row->nulls[column - 1];
}

/* Whether two rows of a table have the same stored value in a column. */
bool
column_is_same(const StoredRow *a, const StoredRow *b, AttrNumber column)
{
	Form_pg_attribute attribute;

	AssertColumn(a, column);
	AssertColumn(b, column);
	attribute = TupleDescAttr(a->desc, column - 1);
	if (a->nulls[column - 1] || b->nulls[column - 1])
		return a->nulls[column - 1] == b->nulls[column - 1];
	return datum_image_eq(a->values[column - 1], b->values[column - 1], attribute->attbyval,
						  attribute->attlen);
}

/* Whether two columns, which are of one type, have the same value; the table of b must be open. */
bool
column_is_as(const StoredRow *a, AttrNumber column, const StoredRow *b, AttrNumber column_of_b)
{
	Form_pg_attribute attribute = TupleDescAttr(b->desc, column_of_b - 1);

	AssertColumn(b, column_of_b);
	if (a->nulls[column - 1] || b->nulls[column_of_b - 1])
		return a->nulls[column - 1] == b->nulls[column_of_b - 1];
	return datum_image_eq(a->values[column - 1], b->values[column_of_b - 1], attribute->attbyval,
						  attribute->attlen);
}

/* What a column of a row is called: 'column "hash" of audit_leaf 7', as far as that is known. */
static char *
describe_column(const StoredRow *row, AttrNumber column)
{
	char *table;

	if (row->desc == NULL)
		return psprintf("column %d of a row", column);
	table = get_rel_name(get_typ_typrelid(row->desc->tdtypeid));
	return psprintf("column \"%s\" of %s%s", NameStr(TupleDescAttr(row->desc, column - 1)->attname),
					table != NULL ? table : "a row",
					row->nulls[0] || TupleDescAttr(row->desc, 0)->atttypid != INT8OID
						? ""
						: psprintf(" " INT64_FORMAT, DatumGetInt64(row->values[0])));
}

/* The value of a column that is never null. */
Datum
column_datum(const StoredRow *row, AttrNumber column)
{
	AssertColumn(row, column);
	if (row->nulls[column - 1])
		report_corrupted("wfo_row_malformed", errmsg("%s is null", describe_column(row, column)));
	return row->values[column - 1];
}

/* An int8 or a timestamptz. */
int64
column_int64(const StoredRow *row, AttrNumber column)
{
	Assert(row->desc == NULL || TupleDescAttr(row->desc, column - 1)->attlen == sizeof(int64));
	return DatumGetInt64(column_datum(row, column));
}

int64 *
column_int64_or_null(const StoredRow *row, AttrNumber column)
{
	int64 *value;

	if (column_is_null(row, column))
		return NULL;
	value = palloc(sizeof(int64));
	*value = column_int64(row, column);
	return value;
}

bool
column_bool(const StoredRow *row, AttrNumber column)
{
	AssertColumnType(row, column, BOOLOID);
	return DatumGetBool(column_datum(row, column));
}

Oid
column_oid(const StoredRow *row, AttrNumber column)
{
	AssertColumnType(row, column, OIDOID);
	return DatumGetObjectId(column_datum(row, column));
}

/* A text, or NULL. */
char *
column_text(const StoredRow *row, AttrNumber column)
{
	if (column_is_null(row, column))
		return NULL;
	AssertColumnType(row, column, TEXTOID);
	return TextDatumGetCString(column_datum(row, column));
}

/* A text that is never NULL. */
char *
column_some_text(const StoredRow *row, AttrNumber column)
{
	AssertColumnType(row, column, TEXTOID);
	return TextDatumGetCString(column_datum(row, column));
}

/* A name, or NULL. */
char *
column_name(const StoredRow *row, AttrNumber column)
{
	if (column_is_null(row, column))
		return NULL;
	AssertColumnType(row, column, NAMEOID);
	return pstrdup(NameStr(*DatumGetName(column_datum(row, column))));
}

/* An array of texts as a list of C strings; NULL is empty. */
List *
column_texts(const StoredRow *row, AttrNumber column)
{
	List *values = NIL;
	Datum *elements;
	bool *nulls;
	int count;

	if (column_is_null(row, column))
		return NIL;
	AssertColumnType(row, column, TEXTARRAYOID);
	deconstruct_array(DatumGetArrayTypeP(column_datum(row, column)), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			values = lappend(values, TextDatumGetCString(elements[i]));
	return values;
}

/* An array of ids, as a list of pointers to them. */
List *
column_ids(const StoredRow *row, AttrNumber column)
{
	List *ids = NIL;
	Datum *elements;
	bool *nulls;
	int count;

	AssertColumnType(row, column, INT8ARRAYOID);
	deconstruct_array(DatumGetArrayTypeP(column_datum(row, column)), INT8OID, sizeof(int64),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		int64 *id = palloc(sizeof(int64));

		*id = DatumGetInt64(elements[i]);
		ids = lappend(ids, id);
	}
	return ids;
}

/* A jsonb or bytea, detoasted, or NULL. */
void *
column_varlena(const StoredRow *row, AttrNumber column)
{
	if (column_is_null(row, column))
		return NULL;
	return PG_DETOAST_DATUM_COPY(column_datum(row, column));
}

/* The same of a column that is never NULL. */
void *
column_some_varlena(const StoredRow *row, AttrNumber column)
{
	return PG_DETOAST_DATUM_COPY(column_datum(row, column));
}

/* Copy a bytea whose length is known. */
void
column_bytes(const StoredRow *row, AttrNumber column, void *data, Size length)
{
	bytea *bytes = column_some_varlena(row, column);

	if (VARSIZE_ANY_EXHDR(bytes) != length)
		report_corrupted("wfo_row_malformed",
						 errmsg("%s has %zu bytes instead of %zu", describe_column(row, column),
								(Size) VARSIZE_ANY_EXHDR(bytes), length));
	memcpy(data, VARDATA_ANY(bytes), length);
	pfree(bytes);
}

/* Whether a column has a bytea of a length, which is not detoasted. */
bool
column_has_bytes(const StoredRow *row, AttrNumber column, Size length)
{
	return !column_is_null(row, column) &&
		   toast_raw_datum_size(column_datum(row, column)) == length + VARHDRSZ;
}

Interval *
column_interval(const StoredRow *row, AttrNumber column)
{
	Interval *value;

	if (column_is_null(row, column))
		return NULL;
	AssertColumnType(row, column, INTERVALOID);
	value = palloc(sizeof(Interval));
	*value = *DatumGetIntervalP(column_datum(row, column));
	return value;
}

/* An interval that is never NULL. */
Interval
column_some_interval(const StoredRow *row, AttrNumber column)
{
	AssertColumnType(row, column, INTERVALOID);
	return *DatumGetIntervalP(column_datum(row, column));
}

int
column_enum(const StoredRow *row, AttrNumber column, const EnumType *type)
{
	return enum_from_datum(type, column_datum(row, column));
}
