/*
 * tool.c
 *	  The table tool.
 */
#include "postgres.h"

#include "store/table.h"
#include "store/tool.h"

static Tool *
tool_read(HeapTuple tuple, TupleDesc desc)
{
	Tool *tool = palloc0(sizeof(Tool));

	tool->tool = column_text(tuple, desc, TOOL_TOOL);
	tool->enabled = column_bool(tuple, desc, TOOL_ENABLED);
	tool->in_session = column_bool(tuple, desc, TOOL_IN_SESSION);
	tool->timeout = column_interval(tuple, desc, TOOL_TIMEOUT);
	tool->function = column_text(tuple, desc, TOOL_FUNCTION);
	tool->run_as = column_name(tuple, desc, TOOL_RUN_AS);
	tool->run_as_oid = column_oid(tuple, desc, TOOL_RUN_AS_OID);
	tool->search_path = column_text(tuple, desc, TOOL_SEARCH_PATH);
	tool->tuple = tuple;
	return tool;
}

static void *
tool_fetch(const void *name)
{
	ScanKeyData key;
	TupleDesc desc;
	HeapTuple tuple;

	store_key_text(&key, TOOL_TOOL, name);
	tuple = store_fetch(STORE_TOOL, "tool_pkey", 1, &key, &desc);
	return tuple != NULL ? tool_read(tuple, desc) : NULL;
}

/* The tool of this name, or NULL: good to the end of the transaction. */
const Tool *
tool_load(const char *name)
{
	return store_cached(STORE_TOOL, name, strlen(name) + 1, tool_fetch);
}

/* The same, locked for a change; waits. */
Tool *
tool_lock(const char *name)
{
	ScanKeyData key;
	TupleDesc desc;
	HeapTuple tuple;

	store_key_text(&key, TOOL_TOOL, name);
	if (store_lock_row(STORE_TOOL, "tool_pkey", &key, true, &tuple, &desc) != STORE_LOCKED)
		return NULL;
	return tool_read(tuple, desc);
}
