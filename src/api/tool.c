/*
 * tool.c
 *	  SQL functions about tools.
 *
 * It reads the arguments of the calls and calls the engine; it checks nothing
 * but the arguments themselves.
 */
#include "postgres.h"

#include "api/result_row.h"
#include "base/args.h"
#include "base/errors.h"
#include "engine/call.h"
#include "engine/tool/tool_status.h"
#include "engine/verbs/accept.h"
#include "engine/verbs/tool.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(wfo_register_tool);
PG_FUNCTION_INFO_V1(wfo_update_tool);
PG_FUNCTION_INFO_V1(wfo_set_tool_enabled);
PG_FUNCTION_INFO_V1(wfo_accept_tool_definition);
PG_FUNCTION_INFO_V1(wfo_tool_check);
PG_FUNCTION_INFO_V1(wfo_tool_change);
PG_FUNCTION_INFO_V1(wfo_tool_max_rows);

/* A label of dry_run_mode, or NULL. */
static DryRunMode *
arg_dry_run_mode(FunctionCallInfo fcinfo, int n)
{
	DryRunMode *mode;
	char *label;
	int value;

	if (PG_ARGISNULL(n))
		return NULL;
	label = arg_text(fcinfo, n, "dry_run_mode");
	value = enum_parse(&dry_run_mode_type, label);
	if (value < 0)
		report_invalid("wfo_unknown_label", errmsg("unknown dry_run_mode \"%s\"", label),
					   errhint("Modes are %s.", enum_list(&dry_run_mode_type)));
	mode = palloc(sizeof(DryRunMode));
	*mode = value;
	return mode;
}

/* The arguments that register_tool and update_tool share. */
static void
read_request(FunctionCallInfo fcinfo, ToolRequest *request)
{
	request->tool = arg_key(fcinfo, 0, "tool");
	request->function = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	if (!PG_ARGISNULL(1) && !SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(request->function)))
		report_unknown("wfo_unknown_function",
					   errmsg("function with OID %u does not exist", request->function));
	request->run_as = arg_role_or_invalid(fcinfo, 2, "run_as");
	request->description = arg_text_or_null(fcinfo, 3, "description");
	request->timeout = arg_interval_or_null(fcinfo, 4, "timeout");
	request->max_attempts = arg_int64_or_null(fcinfo, 5);
	request->in_session = arg_bool_or_null(fcinfo, 6);
	request->preview = arg_bool_or_null(fcinfo, 7);
	request->dry_run_mode = arg_dry_run_mode(fcinfo, 8);
	request->max_rows = arg_int64_or_null(fcinfo, 9);
	request->preview_rows = arg_int64_or_null(fcinfo, 10);
	request->rerun = arg_bool_or_null(fcinfo, 11);
	request->group_size = arg_int64_or_null(fcinfo, 12);
}

Datum
wfo_register_tool(PG_FUNCTION_ARGS)
{
	ToolRequest request;

	call_begin("register_tool");
	read_request(fcinfo, &request);
	arg_require(fcinfo, 1, "function");
	arg_require(fcinfo, 5, "max_attempts");
	arg_require(fcinfo, 6, "in_session");
	arg_require(fcinfo, 7, "preview");
	arg_require(fcinfo, 8, "dry_run_mode");
	arg_require(fcinfo, 10, "preview_rows");
	arg_require(fcinfo, 11, "rerun");
	arg_require(fcinfo, 12, "group_size");
	tool_register(&request);
	PG_RETURN_VOID();
}

Datum
wfo_update_tool(PG_FUNCTION_ARGS)
{
	ToolRequest request;

	call_begin("update_tool");
	read_request(fcinfo, &request);
	tool_update(&request);
	PG_RETURN_VOID();
}

Datum
wfo_set_tool_enabled(PG_FUNCTION_ARGS)
{
	char *tool;

	call_begin("set_tool_enabled");
	tool = arg_key(fcinfo, 0, "tool");
	tool_set_enabled(tool, arg_bool(fcinfo, 1, "enabled"));
	PG_RETURN_VOID();
}

Datum
wfo_accept_tool_definition(PG_FUNCTION_ARGS)
{
	char *tool;

	call_begin("accept_tool_definition");
	tool = arg_key(fcinfo, 0, "tool");
	PG_RETURN_INT64(tool_accept_definition(tool, arg_int64_or_null(fcinfo, 1),
										   arg_text_or_null(fcinfo, 2, "reason")));
}

Datum
wfo_tool_check(PG_FUNCTION_ARGS)
{
	const char *problem;
	Datum values[2] = {0};
	bool nulls[2] = {0};

	call_begin_read("tool_check");
	values[0] = CStringGetTextDatum(tool_status(arg_key(fcinfo, 0, "tool"), &problem));
	nulls[1] = problem == NULL;
	if (problem != NULL)
		values[1] = CStringGetTextDatum(problem);
	return result_row(fcinfo, values, nulls);
}

Datum
wfo_tool_change(PG_FUNCTION_ARGS)
{
	const char *change;
	char *tool;

	call_begin_read("tool_change");
	tool = arg_key(fcinfo, 0, "tool");
	arg_require(fcinfo, 1, "definition");
	change = tool_change(tool, PG_GETARG_BYTEA_P(1));
	if (change == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(change));
}

Datum
wfo_tool_max_rows(PG_FUNCTION_ARGS)
{
	const int64 *max_rows;
	char *tool;

	call_begin_read("tool_max_rows");
	tool = arg_key(fcinfo, 0, "tool");
	arg_require(fcinfo, 1, "definition");
	max_rows = tool_max_rows(tool, PG_GETARG_BYTEA_P(1));
	if (max_rows == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT64(*max_rows);
}
