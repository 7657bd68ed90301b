/*
 * redact_row.c
 *	  What a redaction makes of a row.
 *
 * The table's descriptor says which columns are personal.  Owns what their values
 * become, and which members of details and of a result stay: facts, as leaf.c has
 * them, so that the facts of the row's leaf are the same as before.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/audit/leaf.h"
#include "engine/audit/redact_row.h"
#include "engine/tool/result.h"
#include "store/audit_log.h"

/* What stands in place of a text that must be there. */
#define TOKEN "redacted"

/* Whether a redaction changes rows of a table. */
bool
table_is_personal(StoreTable table)
{
	return store_table_info(table)->personal != NULL;
}

static bool
is_change(const char *key, const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data) &&
		   (strcmp(key, "from") == 0 || strcmp(key, "to") == 0);
}

/* The members of an object of details that are facts; *others: whether it has others. */
static Jsonb *
facts_of(const char *action, JsonbContainer *object, bool *others)
{
	JsonMembers members;
	JsonbValue *value = &members.value;
	JsonObject facts;

	json_object_begin(&facts);
	json_members_begin(&members, object);
	while (json_members_next(&members))
	{
		int length = members.key.val.string.len;
		char *key = pnstrdup(members.key.val.string.val, length);

		if (is_change(key, value))
			json_add_jsonb(&facts, key, facts_of(action, value->val.binary.data, others));
		else if (leaf_member_is_fact(action, key, length, value->type == jbvString))
			json_add_value(&facts, key, value);
		else
			*others = true;
	}
	return json_object_end(&facts);
}

/* The facts of details, or of the result of a call. */
static Jsonb *
facts_of_column(StoreTable table, const StoredRow *row, AttrNumber column)
{
	Jsonb *value = column_some_varlena(row, column);
	bool others = false;

	if (table != STORE_AUDIT_LOG)
		return result_facts(value);
	return facts_of(column_some_text(row, AUDIT_ACTION), &value->root, &others);
}

static Jsonb *
empty_object(void)
{
	JsonObject object;

	json_object_begin(&object);
	return json_object_end(&object);
}

static bool
has_more_than_facts(StoreTable table, const StoredRow *row, AttrNumber column)
{
	Jsonb *value = column_some_varlena(row, column);
	bool others = false;

	if (table != STORE_AUDIT_LOG)
		return json_find(value, RESULT_REDACTED) == NULL;
	(void) facts_of(column_some_text(row, AUDIT_ACTION), &value->root, &others);
	return others;
}

/* Whether a column that is not null has something to be redacted. */
static bool
column_has_more(StoreTable table, const StoredRow *row, const StorePersonal *personal)
{
	switch (personal->becomes)
	{
		case REDACTED_TO_NULL:
			return true;
		case REDACTED_TO_TOKEN:
			return strcmp(column_text(row, personal->column), TOKEN) != 0;
		case REDACTED_TO_EMPTY:
			return JB_ROOT_COUNT((Jsonb *) column_varlena(row, personal->column)) > 0;
		case REDACTED_TO_FACTS:
			return has_more_than_facts(table, row, personal->column);
	}
	return false;
}

/* Whether a redaction changes a row of a table that has personal columns. */
bool
row_is_personal(StoreTable table, const StoredRow *row)
{
	for (const StorePersonal *personal = store_table_info(table)->personal; personal->column != 0;
		 personal++)
		if (!column_is_null(row, personal->column) && column_has_more(table, row, personal))
			return true;
	return false;
}

/* Whether a column that a leaf commits to, of a row that it tells of, has something to be redacted. */
bool
told_row_has_more(const LeafRow *told)
{
	const StoreTableInfo *info = store_table_info(told->table);
	const StoredRow *row = leaf_row_is_personal(told) ? leaf_row_load(told) : NULL;

	if (row == NULL)
		return false;
	for (const StorePersonal *personal = info->personal; personal->column != 0; personal++)
		if ((told->ended || store_column_is_fixed(info, personal->column)) &&
			!column_is_null(row, personal->column) && column_has_more(told->table, row, personal))
			return true;
	return false;
}

static void
redact_column(StoreTable table, StoreRow *row, const StoredRow *old, const StorePersonal *personal)
{
	switch (personal->becomes)
	{
		case REDACTED_TO_NULL:
			row_set_null(row, personal->column);
			break;
		case REDACTED_TO_TOKEN:
			row_set_text(row, personal->column, TOKEN);
			break;
		case REDACTED_TO_EMPTY:
			row_set_pointer(row, personal->column, empty_object());
			break;
		case REDACTED_TO_FACTS:
			row_set_pointer(row, personal->column, facts_of_column(table, old, personal->column));
			break;
	}
}

/* Redact a row, a copy of which the caller has. */
void
redact_row(StoreTable table, StoredRow *row)
{
	StoreRow redacted;

	store_row_init(&redacted, table);
	for (const StorePersonal *personal = store_table_info(table)->personal; personal->column != 0;
		 personal++)
		if (!column_is_null(row, personal->column))
			redact_column(table, &redacted, row, personal);
	store_redact(&redacted, row);
}

/* Redact the statement alone of a row of the audit log. */
void
redact_statement(StoredRow *log_row)
{
	StoreRow redacted;

	store_row_init(&redacted, STORE_AUDIT_LOG);
	row_set_null(&redacted, AUDIT_QUERY);
	store_redact(&redacted, log_row);
}
