/*
 * freeze.c
 *	  SQL functions about freezes.
 *
 * It reads the arguments of the calls and calls engine/verbs/freeze.c; it
 * checks nothing but the arguments themselves.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/freeze.h"
#include "fmgr.h"
#include "worker/client/announce.h"

PG_FUNCTION_INFO_V1(wfo_add_freeze);
PG_FUNCTION_INFO_V1(wfo_remove_freeze);

Datum
wfo_add_freeze(PG_FUNCTION_ARGS)
{
	char *title;
	TimestampTz starts_at;
	TimestampTz ends_at;

	call_begin("add_freeze");
	title = arg_text(fcinfo, 0, "title");
	starts_at = arg_time(fcinfo, 1, "starts_at");
	ends_at = arg_time(fcinfo, 2, "ends_at");
	PG_RETURN_INT64(freeze_add(title, starts_at, ends_at, arg_key_or_null(fcinfo, 3, "tool")));
}

Datum
wfo_remove_freeze(PG_FUNCTION_ARGS)
{
	call_begin("remove_freeze");
	freeze_remove(arg_int64(fcinfo, 0, "freeze_id"));
	announce_visit();
	PG_RETURN_VOID();
}
