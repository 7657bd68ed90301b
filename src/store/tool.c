/*
 * tool.c
 *	  The table tool.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "store/home.h"
#include "store/table.h"
#include "store/tool.h"

const StoreTableInfo tool_table = {
	.name = "tool",
	.columns = TOOL_COLUMNS,
	.cached = true,
	.fixed = (const AttrNumber[]){TOOL_TOOL, TOOL_REGISTERED_AT, TOOL_BUILT_IN, 0},
	.insert_call = "register_tool",
	.update_call = "update_tool",
	.delete_call = "set_tool_enabled(..., false)",
};

static Tool *
tool_read(StoredRow *row)
{
	Tool *tool = palloc0(sizeof(Tool));

	tool->tool = column_some_text(row, TOOL_TOOL);
	tool->enabled = column_bool(row, TOOL_ENABLED);
	tool->in_session = column_bool(row, TOOL_IN_SESSION);
	tool->preview = column_bool(row, TOOL_PREVIEW);
	tool->dry_run_mode = column_enum(row, TOOL_DRY_RUN_MODE, &dry_run_mode_type);
	tool->max_attempts = column_int64(row, TOOL_MAX_ATTEMPTS);
	tool->timeout = column_interval(row, TOOL_TIMEOUT);
	tool->rerun = column_bool(row, TOOL_RERUN);
	tool->max_rows = column_int64_or_null(row, TOOL_MAX_ROWS);
	tool->preview_rows = column_int64(row, TOOL_PREVIEW_ROWS);
	tool->group_size = column_int64(row, TOOL_GROUP_SIZE);
	tool->function = column_some_text(row, TOOL_FUNCTION);
	tool->run_as = column_name(row, TOOL_RUN_AS);
	if (tool->run_as != NULL)
		tool->run_as_oid = column_oid(row, TOOL_RUN_AS_OID);
	tool->run_as_is_home = column_is_home(row, TOOL_HOME_SYSTEM, TOOL_HOME_DATABASE);
	tool->former_run_as = column_texts(row, TOOL_FORMER_RUN_AS);
	tool->search_path = column_some_text(row, TOOL_SEARCH_PATH);
	tool->built_in = column_bool(row, TOOL_BUILT_IN);
	tool->definition = column_varlena(row, TOOL_DEFINITION);
	tool->row = row;
	return tool;
}

static void *
tool_fetch(const void *name)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_text(&key, TOOL_TOOL, name);
	row = store_fetch(STORE_TOOL, "tool_pkey", 1, &key);
	return row != NULL ? tool_read(row) : NULL;
}

/* Return the tool of this name, or NULL; valid until the end of the transaction. */
const Tool *
tool_load(const char *name)
{
	return store_cached(STORE_TOOL, name, strlen(name) + 1, tool_fetch);
}

/* Lock the tool for a change.  Returns NULL if it does not exist or is busy with LockWaitSkip. */
Tool *
tool_lock(const char *name, LockWaitPolicy wait)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_text(&key, TOOL_TOOL, name);
	if (store_lock_row(STORE_TOOL, "tool_pkey", &key, wait, &row) != STORE_LOCKED)
		return NULL;
	return tool_read(row);
}

/* The names of all tools. */
List *
tool_list(void)
{
	List *names = NIL;
	StoreScan scan;
	StoredRow *row;

	store_scan_begin(&scan, STORE_TOOL, "tool_pkey", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
		names = lappend(names, column_some_text(row, TOOL_TOOL));
	store_scan_end(&scan);
	return names;
}
