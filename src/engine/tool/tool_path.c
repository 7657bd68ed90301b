/*
 * tool_path.c
 *	  The search_path that a tool keeps.
 *
 * A tool keeps the search_path that is in force when it is registered, by the
 * names of the schemas.  Temporary objects come last, so that they hide nothing.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "engine/tool/tool_path.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* The search_path in force, by names, with pg_temp at its end. */
char *
tool_path_current(void)
{
	StringInfoData path;
	ListCell *cell;

	initStringInfo(&path);
	foreach (cell, fetch_search_path(false))
	{
		Oid schema = lfirst_oid(cell);

		if (!isAnyTempNamespace(schema))
			appendStringInfo(&path, "%s, ", quote_identifier(get_namespace_name(schema)));
	}
	appendStringInfoString(&path, "pg_temp");
	return path.data;
}
