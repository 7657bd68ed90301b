/*
 * leaf_rows.c
 *	  The rows that a row of the audit log tells of.
 *
 * A leaf of the tree commits to the audit row and to these rows, which the audit
 * row names by id.  Of a row that may still change it takes the columns that
 * never do, by the table's descriptor; of a row that has ended, all of them.
 *
 * Owns which rows these are, for each action, and their canonical form.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/audit/canonical.h"
#include "engine/audit/leaf_rows.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Where the key of a row stands. */
typedef enum RowKey
{
	KEY_NONE,
	KEY_WORKFLOW,
	KEY_PROPOSAL,
	KEY_EXECUTION,
	KEY_DETAIL /* in the details, under the name of the column */
} RowKey;

/* When an action tells of a row. */
typedef enum RowWhen
{
	WHEN_ALWAYS,
	WHEN_NO_PROPOSAL,
	WHEN_EDIT,
	WHEN_REQUESTED,
	WHEN_NOT_REQUESTED
} RowWhen;

typedef struct ActionRow
{
	const char *action;
	StoreTable table;
	RowKey keys[STORE_LOOKUP_KEYS];
	const char *detail; /* of KEY_DETAIL */
	bool ended;
	RowWhen when;
} ActionRow;

#define REVISION_KEYS {KEY_PROPOSAL, KEY_DETAIL}, "revision"

/* In the order of the actions, by which they are found. */
static const ActionRow action_rows[] = {
	{"accept_tool_definition", STORE_PROPOSAL_REVISION, REVISION_KEYS, false, WHEN_ALWAYS},
	{"add_approval_rule", STORE_APPROVAL_RULE, {KEY_DETAIL}, "rule_id", false, WHEN_ALWAYS},
	{"add_freeze", STORE_FREEZE, {KEY_DETAIL}, "freeze_id", false, WHEN_ALWAYS},
	{"break_glass_execute", STORE_BREAK_GLASS, {KEY_EXECUTION}, NULL, false, WHEN_ALWAYS},
	{"cancel_execution", STORE_CANCEL_REQUEST, {KEY_DETAIL}, "request_id", false, WHEN_REQUESTED},
	{"cancel_execution", STORE_EXECUTION, {KEY_EXECUTION}, NULL, true, WHEN_NOT_REQUESTED},
	{"cancel_workflow", STORE_WORKFLOW, {KEY_WORKFLOW}, NULL, true, WHEN_NO_PROPOSAL},
	{"comment_proposal", STORE_PROPOSAL_COMMENT, {KEY_DETAIL}, "comment_id", false, WHEN_ALWAYS},
	{"complete_workflow", STORE_WORKFLOW, {KEY_WORKFLOW}, NULL, true, WHEN_ALWAYS},
	{"delegate_review", STORE_DELEGATION, {KEY_DETAIL}, "delegation_id", false, WHEN_ALWAYS},
	{"end_delegation", STORE_DELEGATION, {KEY_DETAIL}, "delegation_id", true, WHEN_ALWAYS},
	{"end_standing_approval",
	 STORE_STANDING_APPROVAL,
	 {KEY_DETAIL},
	 "standing_id",
	 true,
	 WHEN_NO_PROPOSAL},
	{"enqueue_action", STORE_EXECUTION, {KEY_EXECUTION}, NULL, false, WHEN_ALWAYS},
	{"execute_action", STORE_EXECUTION, {KEY_EXECUTION}, NULL, true, WHEN_ALWAYS},
	{"hold_workflow", STORE_WORKFLOW_HOLD, {KEY_DETAIL}, "hold_id", false, WHEN_ALWAYS},
	{"preview_action", STORE_PREVIEW, {KEY_DETAIL}, "preview_id", false, WHEN_ALWAYS},
	{"propose_action", STORE_PROPOSAL, {KEY_PROPOSAL}, NULL, false, WHEN_ALWAYS},
	{"propose_action", STORE_PROPOSAL_REVISION, REVISION_KEYS, false, WHEN_ALWAYS},
	{"record_anchor", STORE_AUDIT_ANCHOR, {KEY_DETAIL}, "anchor_id", false, WHEN_ALWAYS},
	{"register_actor", STORE_ACTOR, {KEY_DETAIL}, "actor_id", false, WHEN_ALWAYS},
	{"release_hold", STORE_WORKFLOW_HOLD, {KEY_DETAIL}, "hold_id", true, WHEN_ALWAYS},
	{"remove_approval_rule", STORE_APPROVAL_RULE, {KEY_DETAIL}, "rule_id", true, WHEN_ALWAYS},
	{"remove_freeze", STORE_FREEZE, {KEY_DETAIL}, "freeze_id", true, WHEN_ALWAYS},
	{"review_action", STORE_REVIEW, {KEY_DETAIL}, "review_id", false, WHEN_ALWAYS},
	{"review_action", STORE_PROPOSAL_REVISION, REVISION_KEYS, false, WHEN_EDIT},
	{"review_break_glass", STORE_BREAK_GLASS, {KEY_EXECUTION}, NULL, true, WHEN_ALWAYS},
	{"revise_proposal", STORE_PROPOSAL_REVISION, REVISION_KEYS, false, WHEN_ALWAYS},
	{"revoke_approval", STORE_REVOCATION, {KEY_DETAIL}, "review_id", false, WHEN_ALWAYS},
	{"standing_approval", STORE_STANDING_APPROVAL, {KEY_DETAIL}, "standing_id", false, WHEN_ALWAYS},
	{"start_execution", STORE_EXECUTION, {KEY_EXECUTION}, NULL, false, WHEN_ALWAYS},
	{"start_workflow", STORE_WORKFLOW, {KEY_WORKFLOW}, NULL, false, WHEN_ALWAYS},
	{"void_approval", STORE_REVOCATION, {KEY_DETAIL}, "review_id", false, WHEN_ALWAYS},
};

/* The index that finds a table's rows by these keys. */
static const char *
key_index_of(StoreTable table)
{
	return psprintf("%s_pkey", store_table_name(table));
}

static bool
applies(const ActionRow *row, const LeafSubject *subject)
{
	JsonbValue *decision;

	switch (row->when)
	{
		case WHEN_ALWAYS:
			return true;
		case WHEN_NO_PROPOSAL:
			return subject->proposal_id == NULL;
		case WHEN_EDIT:
			decision = json_find(subject->details, "decision");
			return decision != NULL && decision->type == jbvString &&
				   decision->val.string.len == 4 &&
				   memcmp(decision->val.string.val, "edit", 4) == 0;
		case WHEN_REQUESTED:
			return json_find(subject->details, "request_id") != NULL;
		case WHEN_NOT_REQUESTED:
			return json_find(subject->details, "request_id") == NULL;
	}
	return false;
}

static bool
find_key(const ActionRow *row, RowKey key, const LeafSubject *subject, int64 *value)
{
	const int64 *id = NULL;
	JsonbValue *detail;

	if (key == KEY_DETAIL)
	{
		detail = json_find(subject->details, row->detail);
		return detail != NULL && json_value_int64(detail, value);
	}
	if (key == KEY_WORKFLOW)
		id = subject->workflow_id;
	else if (key == KEY_PROPOSAL)
		id = subject->proposal_id;
	else
		id = subject->execution_id;
	if (id != NULL)
		*value = *id;
	return id != NULL;
}

/* The first of the entries of an action, or where it would stand. */
static int
first_of_action(const char *action)
{
	int low = 0;
	int high = lengthof(action_rows);

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (strcmp(action_rows[middle].action, action) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Put the rows that an audit row tells of into an array of LEAF_ROWS_MAX, and
 * return their number.  Of settings that change in place (actors, tools, the policy)
 * the audit rows themselves have the values.
 */
int
leaf_rows_of(const LeafSubject *subject, LeafRow *rows)
{
	int count = 0;

	for (int i = first_of_action(subject->action);
		 i < (int) lengthof(action_rows) && strcmp(action_rows[i].action, subject->action) == 0;
		 i++)
	{
		const ActionRow *row = &action_rows[i];
		LeafRow found = {.table = row->table, .ended = row->ended};

		if (!applies(row, subject))
			continue;
		while (found.nkeys < STORE_LOOKUP_KEYS && row->keys[found.nkeys] != KEY_NONE &&
			   find_key(row, row->keys[found.nkeys], subject, &found.keys[found.nkeys]))
			found.nkeys++;
		if (found.nkeys == 0 ||
			(found.nkeys < STORE_LOOKUP_KEYS && row->keys[found.nkeys] != KEY_NONE))
			continue;
		Assert(count < LEAF_ROWS_MAX);
		rows[count++] = found;
	}
	return count;
}

/* The name of a row's table, and of which part of the row is meant. */
const char *
leaf_row_name(const LeafRow *row)
{
	return row->ended ? psprintf("%s.ended", store_table_name(row->table))
					  : store_table_name(row->table);
}

/* Prepare to find rows; what that needs is allocated in the current memory context. */
void
leaf_rows_begin(LeafRowReader *reader)
{
	reader->memory = CurrentMemoryContext;
	memset(reader->open, 0, sizeof(reader->open));
}

/* Whether a leaf commits to a column of the row that has what people wrote. */
bool
leaf_row_is_personal(const LeafRow *row)
{
	const StoreTableInfo *info = store_table_info(row->table);

	for (const StorePersonal *personal = info->personal; personal != NULL && personal->column != 0;
		 personal++)
		if (row->ended || store_column_is_fixed(info, personal->column))
			return true;
	return false;
}

/*
 * Add the canonical form of a row: the name of its table and the columns, in their
 * order.  The proposer's id, which a restore may fill in from the proposal, is
 * left out.
 */
void
leaf_rows_add(LeafRowReader *reader, LeafRow *row, StringInfo bytes)
{
	const StoreTableInfo *info = store_table_info(row->table);
	StoreLookup *lookup = &reader->lookups[row->table];
	const char *name = leaf_row_name(row);
	StoredRow *stored;
	MemoryContext old;

	/* The scan of an index keeps what it allocates. */
	old = MemoryContextSwitchTo(reader->memory);
	if (!reader->open[row->table])
	{
		store_lookup_begin(lookup, row->table, key_index_of(row->table), row->nkeys);
		reader->open[row->table] = true;
	}
	stored = store_lookup_row(lookup, row->keys);
	MemoryContextSwitchTo(old);
	canonical_add_bytes(bytes, name, strlen(name));
	row->missing = stored == NULL;
	if (stored == NULL)
	{
		canonical_add_null(bytes);
		return;
	}
	for (AttrNumber column = 1; column <= info->columns; column++)
		if (column != info->proposed_by && (row->ended || store_column_is_fixed(info, column)))
			canonical_add_datum(bytes, stored->values[column - 1], stored->nulls[column - 1],
								TupleDescAttr(stored->desc, column - 1)->atttypid);
}

/* Return a copy of a row that is told of, as it is now, or NULL. */
StoredRow *
leaf_row_load(const LeafRow *row)
{
	ScanKeyData keys[STORE_LOOKUP_KEYS];

	for (int i = 0; i < row->nkeys; i++)
		store_key_int64(&keys[i], i + 1, row->keys[i]);
	return store_fetch(row->table, key_index_of(row->table), row->nkeys, keys);
}

void
leaf_rows_end(LeafRowReader *reader)
{
	for (int table = 0; table < STORE_TABLE_COUNT; table++)
		if (reader->open[table])
			store_lookup_end(&reader->lookups[table]);
}
