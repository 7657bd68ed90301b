/*
 * run_sql.c
 *	  The SQL function that is a tool.
 *
 * It is no call of the interface. engine/tool/run_sql.c checks that a running
 * call of the tool calls it, and runs the statement.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/tool/run_sql.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_run_sql);

/* This is not a call of the interface: a call of a tool runs it. */
Datum
wfo_run_sql(PG_FUNCTION_ARGS)
{
	run_sql_begin(fcinfo->flinfo->fn_oid);
	PG_RETURN_JSONB_P(run_sql(arg_text(fcinfo, 0, "statement")));
}
