/*
 * standing.c
 *	  SQL functions about standing approvals.
 *
 * It reads the arguments of the calls and calls engine/verbs/standing.c; it
 * checks nothing but the arguments themselves.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/standing.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_standing_approval);
PG_FUNCTION_INFO_V1(wfo_end_standing_approval);

Datum
wfo_standing_approval(PG_FUNCTION_ARGS)
{
	StandingRequest request;

	call_begin("standing_approval");
	request.tool = arg_key(fcinfo, 0, "tool");
	request.actor_id = arg_int64(fcinfo, 1, "actor_id");
	request.uses = arg_int64(fcinfo, 2, "uses");
	request.ends_at = arg_time(fcinfo, 3, "ends_at");
	request.condition = arg_jsonpath_or_null(fcinfo, 4, "condition");
	request.max_rows = arg_int64_or_null(fcinfo, 5);
	request.description = arg_text_or_null(fcinfo, 6, "description");
	PG_RETURN_INT64(standing_give(&request));
}

Datum
wfo_end_standing_approval(PG_FUNCTION_ARGS)
{
	int64 standing_id;

	call_begin("end_standing_approval");
	standing_id = arg_int64(fcinfo, 0, "standing_id");
	standing_end(standing_id, arg_int64_or_null(fcinfo, 1), arg_text_or_null(fcinfo, 2, "reason"));
	PG_RETURN_VOID();
}
