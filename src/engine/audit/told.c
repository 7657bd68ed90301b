/*
 * told.c
 *	  Which rows the audit log tells of.
 *
 * Every row of the extension's tables comes with an audit row that names it: see
 * leaf_rows.c.  A row that no audit row names was added past the triggers.  The
 * ids of a table's rows lie close together, so that sets of them take about two
 * bits a row.
 *
 * A row that has ended, such as a rule that was removed, must have an audit row of
 * its end as well: else somebody has ended it past the triggers.
 *
 * Owns which tables are compared so.  A proposal's revisions, the settings and
 * the queue, whose rows have other keys, are the business of other files that
 * begin with verify.
 */
#include "postgres.h"

#include "engine/audit/told.h"
#include "model/status.h"
#include "store/workflow.h"

/* Which table's ids the first column of each table has; told of together with those. */
static const struct
{
	StoreTable table;
	StoreTable ids;
} compared[] = {
	{STORE_ACTOR, STORE_ACTOR},
	{STORE_WORKFLOW, STORE_WORKFLOW},
	{STORE_FREEZE, STORE_FREEZE},
	{STORE_APPROVAL_RULE, STORE_APPROVAL_RULE},
	{STORE_DELEGATION, STORE_DELEGATION},
	{STORE_STANDING_APPROVAL, STORE_STANDING_APPROVAL},
	{STORE_STANDING_USE, STORE_STANDING_APPROVAL},
	{STORE_PROPOSAL, STORE_PROPOSAL},
	{STORE_PROPOSAL_REVISION, STORE_PROPOSAL},
	{STORE_PROPOSAL_COMMENT, STORE_PROPOSAL_COMMENT},
	{STORE_PREVIEW, STORE_PREVIEW},
	{STORE_REVIEW, STORE_REVIEW},
	{STORE_REVOCATION, STORE_REVOCATION},
	{STORE_EXECUTION, STORE_EXECUTION},
	{STORE_CANCEL_REQUEST, STORE_CANCEL_REQUEST},
	{STORE_BREAK_GLASS, STORE_BREAK_GLASS},
	{STORE_AUDIT_ANCHOR, STORE_AUDIT_ANCHOR},
	{STORE_WORKFLOW_HOLD, STORE_WORKFLOW_HOLD},
};

/* The comparison of one table. */
typedef struct TableCheck
{
	StoreTable table;
	IdSet *told;
	IdSet *ended; /* NULL: rows do not end */
	const Findings *findings;
} TableCheck;

/* Whether the rows of a table end by an audit row that commits to all of them. */
static bool
has_end(StoreTable table)
{
	return table == STORE_WORKFLOW || store_table_info(table)->ended_at != 0;
}

/* Begin with no row told of, in the current memory context. */
void
told_begin(ToldRows *told)
{
	memset(told, 0, sizeof(ToldRows));
	for (int i = 0; i < (int) lengthof(compared); i++)
		if (told->ids[compared[i].ids] == NULL)
		{
			told->ids[compared[i].ids] = id_set_create("rows that the audit log tells of");
			if (has_end(compared[i].ids))
				told->ended[compared[i].ids] = id_set_create("rows of whose end it tells");
		}
}

/* Take down the rows that one row of the audit log tells of. */
void
told_add(ToldRows *told, const LeafRow *rows, int count)
{
	for (int i = 0; i < count; i++)
	{
		StoreTable table = rows[i].table;

		if (told->ids[table] != NULL)
			id_set_add(told->ids[table], rows[i].keys[0]);
		if (told->ended[table] != NULL && rows[i].ended)
			id_set_add(told->ended[table], rows[i].keys[0]);
	}
}

static bool
is_to_be_looked_at(void *arg, int64 id)
{
	const TableCheck *check = arg;

	return !id_set_has(check->told, id) || (check->ended != NULL && !id_set_has(check->ended, id));
}

static int64 *
id_in(const StoredRow *row, AttrNumber column)
{
	return column != 0 ? column_int64_or_null(row, column) : NULL;
}

static void
report_row(const TableCheck *check, const StoredRow *row, const char *text)
{
	const StoreTableInfo *info = store_table_info(check->table);

	finding_add(check->findings, id_in(row, info->proposal_id), id_in(row, info->execution_id),
				NULL, text);
}

/* Whether a column has what it has as long as the row has not ended. */
static bool
is_as_before_end(StoreTable table, const StoredRow *row, AttrNumber column)
{
	if (table == STORE_WORKFLOW && column == WORKFLOW_STATUS)
		return column_enum(row, column, &workflow_status_type) == WORKFLOW_ACTIVE;
	return column_is_null(row, column);
}

/* Compare the columns that the end of a row sets, of whose end nothing tells. */
static void
told_not_ended(const TableCheck *check, const StoredRow *row)
{
	const StoreTableInfo *info = store_table_info(check->table);

	for (AttrNumber column = 1; column <= info->columns; column++)
		if (column != info->proposed_by && !store_column_is_fixed(info, column) &&
			!is_as_before_end(check->table, row, column))
			report_row(check, row,
					   psprintf("no audit row tells of column \"%s\" of %s " INT64_FORMAT,
								NameStr(TupleDescAttr(row->desc, column - 1)->attname), info->name,
								column_int64(row, 1)));
}

static void
told_check_row(void *arg, const StoredRow *row)
{
	const TableCheck *check = arg;
	char *keys = psprintf(INT64_FORMAT, column_int64(row, 1));

	if (id_set_has(check->told, column_int64(row, 1)))
	{
		told_not_ended(check, row);
		return;
	}
	if (check->table == STORE_PROPOSAL_REVISION)
		keys = psprintf("%s/" INT64_FORMAT, keys, column_int64(row, 2));
	report_row(check, row,
			   psprintf("no audit row tells of %s %s", store_table_name(check->table), keys));
}

/*
 * Report the rows of the tables that nothing tells of.  The caller reads as of the
 * time as of which it has read the log.
 */
void
told_compare(ToldRows *told, const Findings *findings)
{
	for (int i = 0; i < (int) lengthof(compared); i++)
	{
		TableCheck check = {.table = compared[i].table,
							.told = told->ids[compared[i].ids],
							.findings = findings};

		if (check.table == compared[i].ids)
			check.ended = told->ended[check.table];
		store_each_wanted(check.table, is_to_be_looked_at, told_check_row, &check);
	}
}
