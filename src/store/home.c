/*
 * home.c
 *	  Where a row was written: on which server, and in which of its databases.
 *
 * Two columns of a table say it, by system identifier and OID.  A dump takes them
 * along, so a row that was restored elsewhere is not at home there, and what its
 * OIDs meant is not known.  A standby shares both with its primary.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "store/home.h"

/* Say that the row is of this database. */
void
row_set_home(StoreRow *row, AttrNumber system, AttrNumber database)
{
	row_set_int64(row, system, (int64) GetSystemIdentifier());
	row_set(row, database, ObjectIdGetDatum(MyDatabaseId));
}

/* Whether the row was written in this database; false where it does not say. */
bool
column_is_home(const StoredRow *row, AttrNumber system, AttrNumber database)
{
	return !column_is_null(row, system) && !column_is_null(row, database) &&
		   (uint64) column_int64(row, system) == GetSystemIdentifier() &&
		   column_oid(row, database) == MyDatabaseId;
}
