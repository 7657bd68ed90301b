/*
 * delegation.c
 *	  SQL functions about delegations.
 *
 * It reads the arguments of the calls and calls engine/verbs/delegate.c; it
 * checks nothing but the arguments themselves.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/delegate.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_delegate_review);
PG_FUNCTION_INFO_V1(wfo_end_delegation);

Datum
wfo_delegate_review(PG_FUNCTION_ARGS)
{
	int64 from_actor;
	int64 to_actor;

	call_begin("delegate_review");
	from_actor = arg_int64(fcinfo, 0, "from_actor");
	to_actor = arg_int64(fcinfo, 1, "to_actor");
	PG_RETURN_INT64(review_delegate(from_actor, to_actor, arg_time(fcinfo, 2, "ends_at")));
}

Datum
wfo_end_delegation(PG_FUNCTION_ARGS)
{
	call_begin("end_delegation");
	review_end_delegation(arg_int64(fcinfo, 0, "delegation_id"), arg_int64_or_null(fcinfo, 1));
	PG_RETURN_VOID();
}
