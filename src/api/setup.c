/*
 * setup.c
 *	  SQL functions that check_setup() asks where the catalogs do not say.
 *
 * check_setup() itself is SQL (sql/check_setup.sql).  Nothing here writes, and
 * nothing is an error because of what a tool or a role has become.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/approval/administrators.h"
#include "engine/approval/requirement.h"
#include "engine/call.h"
#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/tool/search_path.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "worker/client/status.h"

PG_FUNCTION_INFO_V1(wfo_has_workers);
PG_FUNCTION_INFO_V1(wfo_tool_function);
PG_FUNCTION_INFO_V1(wfo_list_path_writers);
PG_FUNCTION_INFO_V1(wfo_count_reviewers);
PG_FUNCTION_INFO_V1(wfo_count_administrators);

Datum
wfo_has_workers(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	call_begin_read("has_workers");
	PG_RETURN_BOOL(status_has_pool());
}

Datum
wfo_tool_function(PG_FUNCTION_ARGS)
{
	const Definition *definition;

	call_begin_read("tool_function");
	definition = definition_find(tool_require(arg_key(fcinfo, 0, "tool")));
	if (definition == NULL)
		PG_RETURN_NULL();
	PG_RETURN_OID(definition->function);
}

Datum
wfo_list_path_writers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell *cell;

	call_begin_read("list_path_writers");
	InitMaterializedSRF(fcinfo, 0);
	foreach (cell, search_path_open_schemas(tool_require(arg_key(fcinfo, 0, "tool"))))
	{
		const OpenSchema *open = lfirst(cell);
		Datum values[2] = {0};
		bool nulls[2] = {0};

		values[0] = DirectFunctionCall1(namein, CStringGetDatum(open->schema));
		nulls[1] = open->writer == NULL;
		if (open->writer != NULL)
			values[1] = DirectFunctionCall1(namein, CStringGetDatum(open->writer));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
wfo_count_reviewers(PG_FUNCTION_ARGS)
{
	char *role;

	call_begin_read("count_reviewers");
	role = arg_key_or_null(fcinfo, 0, "role");
	PG_RETURN_INT64(requirement_count_people(role, arg_int64(fcinfo, 1, "needed"), policy_load()));
}

Datum
wfo_count_administrators(PG_FUNCTION_ARGS)
{
	call_begin_read("count_administrators");
	PG_RETURN_INT64(administrators_count(arg_int64(fcinfo, 0, "needed")));
}
