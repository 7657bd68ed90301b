/*
 * rule.c
 *	  The table approval_rule.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/rule.h"
#include "store/table.h"

const StoreTableInfo rule_table = {
	.name = "approval_rule",
	.id_sequence = "approval_rule_rule_id_seq",
	.columns = RULE_COLUMNS,
	.cached = true,
	.fixed = (const AttrNumber[]){RULE_RULE_ID, RULE_ROLE, RULE_APPROVALS, RULE_STAGE, RULE_TOOL,
								  RULE_CONDITION, RULE_DESCRIPTION, RULE_AGENTS, RULE_ADDED_AT,
								  RULE_ADDED_BY, RULE_DEFINITION, 0},
	.ended_at = RULE_REMOVED_AT,
	.insert_call = "add_approval_rule",
	.update_call = "remove_approval_rule",
	.delete_call = "remove_approval_rule",
};

static void
rule_read(const StoredRow *row, Rule *rule)
{
	memset(rule, 0, sizeof(Rule));
	rule->rule_id = column_int64(row, RULE_RULE_ID);
	rule->role = column_text(row, RULE_ROLE);
	rule->approvals = column_int64(row, RULE_APPROVALS);
	rule->stage = column_int64(row, RULE_STAGE);
	rule->tool = column_text(row, RULE_TOOL);
	rule->condition = condition_prepare(column_varlena(row, RULE_CONDITION));
	rule->description = column_text(row, RULE_DESCRIPTION);
	rule->agents = column_bool(row, RULE_AGENTS);
	rule->definitions = column_varlena(row, RULE_DEFINITION);
	rule->removed = !column_is_null(row, RULE_REMOVED_AT);
}

static void *
rule_list_fetch(const void *tool)
{
	RuleList *list = palloc0(sizeof(RuleList));
	int size = 0;
	StoreScan scan;
	StoredRow *row;

	store_scan_begin(&scan, STORE_APPROVAL_RULE, "approval_rule_pkey", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		if (!column_is_null(row, RULE_REMOVED_AT) ||
			(!column_is_null(row, RULE_TOOL) && strcmp(column_text(row, RULE_TOOL), tool) != 0))
			continue;
		GROW_ARRAY(list->rules, list->count, size);
		rule_read(row, &list->rules[list->count++]);
	}
	store_scan_end(&scan);
	return list;
}

/* Return the rules in force that apply to a tool; valid until the end of the transaction. */
const RuleList *
rule_list(const char *tool)
{
	return store_cached(STORE_APPROVAL_RULE, tool, strlen(tool) + 1, rule_list_fetch);
}

/* Lock the rule with this id for a change.  Waits; returns NULL if it does not exist. */
Rule *
rule_lock(int64 rule_id)
{
	ScanKeyData key;
	StoredRow *row;
	Rule *rule;

	store_key_int64(&key, RULE_RULE_ID, rule_id);
	if (store_lock_row(STORE_APPROVAL_RULE, "approval_rule_pkey", &key, LockWaitBlock, &row) !=
		STORE_LOCKED)
		return NULL;
	rule = palloc(sizeof(Rule));
	rule_read(row, rule);
	rule->row = row;
	return rule;
}

/* Add a rule and return its id. */
int64
rule_insert(const Rule *rule, const int64 *added_by)
{
	StoreRow row;
	int64 rule_id = store_next_id(STORE_APPROVAL_RULE);

	store_row_init(&row, STORE_APPROVAL_RULE);
	row_set_int64(&row, RULE_RULE_ID, rule_id);
	row_set_text(&row, RULE_ROLE, rule->role);
	row_set_int64(&row, RULE_APPROVALS, rule->approvals);
	row_set_int64(&row, RULE_STAGE, rule->stage);
	row_set_text(&row, RULE_TOOL, rule->tool);
	row_set_pointer(&row, RULE_CONDITION, rule->condition.path);
	row_set_text(&row, RULE_DESCRIPTION, rule->description);
	row_set_bool(&row, RULE_AGENTS, rule->agents);
	row_set_time(&row, RULE_ADDED_AT, GetCurrentTimestamp());
	row_set_id(&row, RULE_ADDED_BY, added_by);
	row_set_pointer(&row, RULE_DEFINITION, rule->definitions);
	store_insert(&row);
	return rule_id;
}

/* Mark a locked rule as removed. */
void
rule_remove(const Rule *rule, const int64 *removed_by)
{
	StoreRow row;

	store_row_init(&row, STORE_APPROVAL_RULE);
	row_set_time(&row, RULE_REMOVED_AT, GetCurrentTimestamp());
	row_set_id(&row, RULE_REMOVED_BY, removed_by);
	store_update(&row, rule->row);
}
