/*
 * execution.c
 *	  SQL functions about executions.
 */
#include "postgres.h"

#include "api/result_row.h"
#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_execute_action);

Datum
wfo_execute_action(PG_FUNCTION_ARGS)
{
	int64 proposal_id;
	Jsonb *result;
	Datum values[2];

	call_begin("execute_action");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	values[0] = Int64GetDatum(execute(proposal_id, arg_int64_or_null(fcinfo, 1), &result));
	values[1] = JsonbPGetDatum(result);
	return result_row(fcinfo, values, NULL);
}
