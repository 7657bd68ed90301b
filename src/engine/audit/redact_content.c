/*
 * redact_content.c
 *	  Redacts what people wrote in a proposal.
 *
 * Owns which rows of the audit log this reaches, and which groups of their leaves
 * have something that people wrote.  What becomes of a row is the business of
 * redact_row.c.
 */
#include "postgres.h"

#include "engine/audit/leaf.h"
#include "engine/audit/redact_content.h"
#include "engine/audit/redact_row.h"

static bool
told_row_is_personal(const LeafRow *told)
{
	const StoredRow *row = leaf_row_is_personal(told) ? leaf_row_load(told) : NULL;

	return row != NULL && row_is_personal(told->table, row);
}

static void
choose_content(pg_attribute_unused() void *arg, RedactedLeaf *leaf, const StoredRow *log_row)
{
	LeafRow told[LEAF_ROWS_MAX];
	int count = leaf_told_rows(log_row, told);

	leaf->takes[GROUP_WHAT] = row_is_personal(STORE_AUDIT_LOG, log_row);
	for (int i = 0; i < count; i++)
		if (told_row_is_personal(&told[i]))
			leaf->takes[GROUP_ROWS] = true;
}

/* Redact the rows that a row of the audit log tells of. */
static void
redact_told_rows(const StoredRow *log_row)
{
	LeafRow told[LEAF_ROWS_MAX];
	int count = leaf_told_rows(log_row, told);

	for (int i = 0; i < count; i++)
	{
		StoredRow *row = table_is_personal(told[i].table) ? leaf_row_load(&told[i]) : NULL;

		if (row != NULL && row_is_personal(told[i].table, row))
			redact_row(told[i].table, row);
	}
}

static void
redact_content(pg_attribute_unused() void *arg, const RedactedLeaf *leaf, StoredRow *log_row)
{
	if (leaf->takes[GROUP_ROWS])
		redact_told_rows(log_row);
	if (leaf->takes[GROUP_WHAT])
		redact_row(STORE_AUDIT_LOG, log_row);
}

const Redactor content_redactor = {.choose = choose_content, .redact = redact_content};

/*
 * Find the rows of the audit log that a redaction of a proposal reaches: its own,
 * except those of redactions, and those with the same statements.
 */
void
content_collect(const Proposal *proposal, RedactedLeaves *leaves)
{
	int count;
	AuditRow *rows = audit_list_of_proposal(proposal->proposal_id, &count);

	memset(leaves, 0, sizeof(RedactedLeaves));
	for (int i = 0; i < count; i++)
	{
		StoredRow *row = audit_load(rows[i].audit_id);

		if (row == NULL || redaction_is_told_by(rows[i].action))
			continue;
		redacted_leaves_add(leaves, row, REDACT_ROW);
		leaves->leaves[leaves->count - 1].takes[GROUP_WHAT] = true;
	}
	redacted_leaves_add_statements(leaves);
}
