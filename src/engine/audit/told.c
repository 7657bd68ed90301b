/*
 * told.c
 *	  Which rows the audit log tells of.
 *
 * Every row of the extension's tables comes with an audit row that names it: see
 * leaf_rows.c.  A row that no audit row names was added past the triggers.  The
 * ids of a table's rows lie close together, so that sets of them take about two
 * bits a row.
 *
 * Owns which tables are compared so.  A proposal's revisions, the settings and
 * the queue, whose rows have other keys, are the business of other files that
 * begin with verify.
 */
#include "postgres.h"

#include "engine/audit/told.h"

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
	const Findings *findings;
} TableCheck;

/* Begin with no row told of, in the current memory context. */
void
told_begin(ToldRows *told)
{
	memset(told, 0, sizeof(ToldRows));
	for (int i = 0; i < (int) lengthof(compared); i++)
		if (told->ids[compared[i].ids] == NULL)
			told->ids[compared[i].ids] = id_set_create("rows that the audit log tells of");
}

/* Take down the rows that one row of the audit log tells of. */
void
told_add(ToldRows *told, const LeafRow *rows, int count)
{
	for (int i = 0; i < count; i++)
		if (told->ids[rows[i].table] != NULL)
			id_set_add(told->ids[rows[i].table], rows[i].keys[0]);
}

static bool
is_untold(void *arg, int64 id)
{
	const TableCheck *check = arg;

	return !id_set_has(check->told, id);
}

static int64 *
id_in(const StoredRow *row, AttrNumber column)
{
	return column != 0 ? column_int64_or_null(row, column) : NULL;
}

static void
report_added(void *arg, const StoredRow *row)
{
	const TableCheck *check = arg;
	const StoreTableInfo *info = store_table_info(check->table);
	char *keys = psprintf(INT64_FORMAT, column_int64(row, 1));

	if (check->table == STORE_PROPOSAL_REVISION)
		keys = psprintf("%s/" INT64_FORMAT, keys, column_int64(row, 2));
	finding_add(check->findings, id_in(row, info->proposal_id), id_in(row, info->execution_id),
				NULL, psprintf("no audit row tells of %s %s", info->name, keys));
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

		store_each_wanted(check.table, is_untold, report_added, &check);
	}
}
