/*
 * home.c
 *	  Where a row was written: on which server, and in which of its databases.
 *
 * Owns the two columns of a table that say so, by system identifier and OID. A
 * dump includes them, so a row that was restored elsewhere is not at home
 * there, and its OIDs mean nothing there.  A standby shares both with its
 * primary.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "store/home.h"

/* Mark the row as written in this database. */
void
row_set_home(StoreRow *row, AttrNumber system, AttrNumber database)
{
	row_set_int64(row, system, (int64) GetSystemIdentifier());
	row_set(row, database, ObjectIdGetDatum(MyDatabaseId));
}

/* Whether the row was written in this database; false if the columns are null. */
bool
column_is_home(const StoredRow *row, AttrNumber system, AttrNumber database)
{
	return !column_is_null(row, system) && !column_is_null(row, database) &&
		   (uint64) column_int64(row, system) == GetSystemIdentifier() &&
		   column_oid(row, database) == MyDatabaseId;
}
