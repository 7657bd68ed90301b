/*
 * execution.c
 *	  SQL functions about executions.
 *
 * It reads the arguments of the calls and calls the engine or, for a call that
 * waits or that other processes run, the worker layer.  It decides nothing.
 */
#include "postgres.h"

#include "api/result_row.h"
#include "base/args.h"
#include "base/errors.h"
#include "base/interval.h"
#include "engine/call.h"
#include "engine/run/cancel.h"
#include "engine/verbs/batch.h"
#include "engine/verbs/break_glass.h"
#include "engine/verbs/enqueue.h"
#include "engine/verbs/execute.h"
#include "engine/verbs/resume.h"
#include "fmgr.h"
#include "funcapi.h"
#include "worker/client/announce.h"
#include "worker/client/parallel.h"
#include "worker/client/status.h"
#include "worker/client/waiting.h"
#include "worker/pool/interrupt.h"

PG_FUNCTION_INFO_V1(wfo_execute_action);
PG_FUNCTION_INFO_V1(wfo_break_glass_execute);
PG_FUNCTION_INFO_V1(wfo_review_break_glass);
PG_FUNCTION_INFO_V1(wfo_execute_parallel);
PG_FUNCTION_INFO_V1(wfo_enqueue_action);
PG_FUNCTION_INFO_V1(wfo_wait_execution);
PG_FUNCTION_INFO_V1(wfo_wait_proposal);
PG_FUNCTION_INFO_V1(wfo_cancel_execution);
PG_FUNCTION_INFO_V1(wfo_resume_queue);
PG_FUNCTION_INFO_V1(wfo_list_workers);

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

/* The length of an optional interval in ms; 0: no limit. */
static int64
arg_timeout(FunctionCallInfo fcinfo, int n)
{
	Interval *timeout = arg_interval_or_null(fcinfo, n, "timeout");

	return timeout != NULL ? interval_milliseconds(timeout) : 0;
}

Datum
wfo_execute_parallel(PG_FUNCTION_ARGS)
{
	Batch batch;
	int64 timeout;

	call_begin_waiting("execute_parallel");
	call_begin("execute_parallel");
	arg_require(fcinfo, 0, "calls");
	timeout = arg_timeout(fcinfo, 2);
	batch_prepare(&batch, PG_GETARG_JSONB_P(0), arg_int64_or_null(fcinfo, 1));
	if (batch.nlive > 0)
		queued_check_workers();
	batch_run_dry(&batch);
	if (batch.nlive > 0)
		parallel_run(&batch, timeout);
	PG_RETURN_JSONB_P(batch_results(&batch));
}

Datum
wfo_enqueue_action(PG_FUNCTION_ARGS)
{
	EnqueueRequest request;

	call_begin("enqueue_action");
	request.proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	request.actor_id = arg_int64_or_null(fcinfo, 1);
	request.run_at = PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2);
	if (TIMESTAMP_NOT_FINITE(request.run_at))
		report_invalid("wfo_argument_invalid", errmsg("argument \"run_at\" must not be infinite"),
					   errhint("Give the time from which on the call may start."));
	request.priority = arg_int64(fcinfo, 3, "priority");
	PG_RETURN_INT64(enqueue(&request));
}

Datum
wfo_wait_execution(PG_FUNCTION_ARGS)
{
	int64 execution_id;
	Jsonb *result;

	call_begin_waiting("wait_execution");
	execution_id = arg_int64(fcinfo, 0, "execution_id");
	result = wait_for_execution(execution_id, arg_timeout(fcinfo, 1));
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(result);
}

Datum
wfo_wait_proposal(PG_FUNCTION_ARGS)
{
	int64 proposal_id;
	ProposalStatus status;

	call_begin_waiting("wait_proposal");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	if (!wait_for_proposal(proposal_id, arg_timeout(fcinfo, 1), &status))
		PG_RETURN_NULL();
	return enum_to_datum(&proposal_status_type, status);
}

Datum
wfo_cancel_execution(PG_FUNCTION_ARGS)
{
	int64 execution_id;
	int64 *actor_id;
	char *reason;

	call_begin("cancel_execution");
	execution_id = arg_int64(fcinfo, 0, "execution_id");
	actor_id = arg_int64_or_null(fcinfo, 1);
	reason = arg_text_or_null(fcinfo, 2, "reason");
	if (execution_cancel(execution_id, actor_id, reason, pool_has_execution) == CANCEL_DONE)
		return enum_to_datum(&execution_status_type, EXECUTION_CANCELLED);
	announce_cancel(execution_id);
	return enum_to_datum(&execution_status_type, EXECUTION_RUNNING);
}

Datum
wfo_resume_queue(PG_FUNCTION_ARGS)
{
	int64 count;

	call_begin("resume_queue");
	queued_check_workers();
	count = queue_resume();
	announce_visit();
	(void) fcinfo;
	PG_RETURN_INT64(count);
}

Datum
wfo_list_workers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	call_begin_read("list_workers");
	InitMaterializedSRF(fcinfo, 0);
	status_list(rsinfo->setResult, rsinfo->setDesc);
	return (Datum) 0;
}

Datum
wfo_break_glass_execute(PG_FUNCTION_ARGS)
{
	int64 proposal_id;
	int64 *actor_id;
	Jsonb *result;
	Datum values[2];

	call_begin("break_glass_execute");
	proposal_id = arg_int64(fcinfo, 0, "proposal_id");
	actor_id = arg_int64_or_null(fcinfo, 1);
	values[0] = Int64GetDatum(break_glass(proposal_id, actor_id, arg_text(fcinfo, 2, "reason"),
										  &result));
	values[1] = JsonbPGetDatum(result);
	return result_row(fcinfo, values, NULL);
}

Datum
wfo_review_break_glass(PG_FUNCTION_ARGS)
{
	int64 execution_id;
	int64 *reviewer_id;

	call_begin("review_break_glass");
	execution_id = arg_int64(fcinfo, 0, "execution_id");
	reviewer_id = arg_int64_or_null(fcinfo, 1);
	break_glass_review(execution_id, reviewer_id, arg_text(fcinfo, 2, "comment"));
	PG_RETURN_VOID();
}
