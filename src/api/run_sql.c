/*
 * run_sql.c
 *	  The SQL function that is a tool.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/tool/run_sql.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_run_sql);

/* No call of the interface: it is what a call runs. */
Datum
wfo_run_sql(PG_FUNCTION_ARGS)
{
	run_sql_begin(fcinfo->flinfo->fn_oid);
	PG_RETURN_JSONB_P(run_sql(arg_text(fcinfo, 0, "statement")));
}
