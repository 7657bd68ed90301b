/*
 * row_count.c
 *	  Counts the rows that a call has changed, and holds the call to its limit.
 *
 * It owns the number, and what of a call keeps the number from being known.  The
 * limit itself comes from row_limit.c, and what changed in which table is shown
 * by changes.c.
 *
 * The server counts the row versions that each level of subtransactions
 * inserts, updates and deletes.  The counts of the call's own level, while it is
 * open, contain exactly what stands: code that an inner rollback has undone is in
 * no other level's counts.  Rows of triggers and cascades are counted as any
 * others, and a row that moves to another partition is deleted and inserted.
 * Temporary tables, catalogs and the tables of the extension do not count.
 *
 * What the server does not count must not pass for no change: a table that was
 * truncated, one that was rewritten by a change of the catalogs, one whose rows
 * are in another server or kept by another engine, and everything while
 * track_counts is off.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/errors.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "engine/sandbox/counting.h"
#include "engine/sandbox/uncounted.h"
#include "engine/tool/row_count.h"
#include "pgstat.h"
#include "store/table.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pgstat_internal.h"
#include "utils/syscache.h"

#define HINT_LIMITED \
	"A call with a limit on its rows may change rows of ordinary tables only. An administrator " \
	"can lift the tool's limit with update_tool(..., max_rows => -1)."

/* Begin to count, in a memory context that lasts as long as the call. */
void
row_count_begin(void)
{
	counting_watch();
	uncounted_begin();
}

/* Whether the rows of a relation count: it is a permanent table, and none of the extension's. */
static bool
is_counted_table(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool counted;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	counted = form->relkind == RELKIND_RELATION && form->relpersistence != RELPERSISTENCE_TEMP &&
			  !store_owns(form->relnamespace, NameStr(form->relname));
	ReleaseSysCache(tuple);
	return counted;
}

static void
set_obstacle(RowCount *count, RowObstacle obstacle, Oid relid)
{
	count->obstacle = obstacle;
	if (OidIsValid(relid))
		count->table = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
												  get_rel_name(relid));
}

/* Add the counts of one relation. */
static void
count_relation(RowCount *count, const PgStat_TableXactStatus *counts)
{
	PgStat_Counter rows = counts->tuples_inserted + counts->tuples_updated + counts->tuples_deleted;
	Oid relid = compat_stats_relid(counts->parent);

	if (rows == 0 && !counts->truncdropped)
		return;
	if (IsCatalogRelationOid(relid))
	{
		/* A TRUNCATE does that too, and says more. */
		if (count->obstacle == ROWS_COUNTED)
			set_obstacle(count, ROWS_CATALOGS, InvalidOid);
	}
	else if (!is_counted_table(relid))
		return;
	else if (counts->truncdropped)
		set_obstacle(count, ROWS_TRUNCATED, relid);
	else
		count->rows += rows;
}

/*
 * Read how many rows the current subtransaction has changed since
 * row_count_begin(), or why they cannot be counted.
 *
 * It must be called at the end of the call, after its deferred triggers, and
 * before its subtransaction ends.
 */
void
row_count_read(RowCount *count)
{
	PgStat_SubXactStatus *level = pgstat_get_xact_stack_level(GetCurrentTransactionNestLevel());

	memset(count, 0, sizeof(RowCount));
	for (PgStat_TableXactStatus *counts = level->first; counts != NULL; counts = counts->next)
		count_relation(count, counts);
	if (count->obstacle == ROWS_COUNTED && uncounted_tables() != NIL)
		set_obstacle(count, ROWS_ELSEWHERE, linitial_oid(uncounted_tables()));
	if (counting_was_off())
		set_obstacle(count, ROWS_COUNTING_OFF, InvalidOid);
}

/* Refuse a call with a limit, before it runs, if the server does not count: 55000. */
void
row_count_check_on(int64 max_rows)
{
	if (!pgstat_track_counts)
		report_wrong_state("wfo_rows_not_counted",
						   errmsg("rows that a call changes are not counted"),
						   errdetail("The setting track_counts is off, and the call may change at "
									 "most " INT64_FORMAT " rows.",
									 max_rows),
						   errhint("Set track_counts to on."));
}

/* Describe what keeps the rows of a call from being counted. */
static int
detail_of_obstacle(const RowCount *count)
{
	switch (count->obstacle)
	{
		case ROWS_COUNTING_OFF:
			return errdetail("The setting track_counts was off while the call ran.");
		case ROWS_TRUNCATED:
			return errdetail("The call has truncated table %s.", count->table);
		case ROWS_CATALOGS:
			return errdetail("The call has changed the system catalogs, as commands such as CREATE "
							 "and ALTER, temporary tables and large objects do.");
		case ROWS_ELSEWHERE:
			return errdetail("The call has written to table %s, which is foreign or kept by "
							 "another engine than the server's heap.",
							 count->table);
		case ROWS_COUNTED:
			break;
	}
	pg_unreachable();
}

/* Refuse a call that has changed more rows than it may, or rows that cannot be counted: 54000. */
void
row_count_check(const RowCount *count, int64 max_rows)
{
	if (count->obstacle != ROWS_COUNTED)
		report_limit("wfo_rows_not_counted",
					 errmsg("the call has changed what its limit of " INT64_FORMAT
							" rows cannot count",
							max_rows),
					 detail_of_obstacle(count), errhint(HINT_LIMITED));
	if (count->rows > max_rows)
		report_limit("wfo_too_many_rows", errmsg("the call has changed more rows than it may"),
					 errdetail("It has changed " INT64_FORMAT
							   " rows, and its limit is " INT64_FORMAT ".",
							   count->rows, max_rows),
					 errhint("The limit is the smallest max_rows of the tool and of the approvals. "
							 "Nothing of the call stays."));
}
