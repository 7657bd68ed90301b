/*
 * workflow.c
 *	  SQL functions about workflows.
 *
 * It reads the arguments of the calls and calls engine/verbs/workflow.c; it
 * checks nothing but the arguments themselves.
 */
#include "postgres.h"

#include "base/args.h"
#include "engine/call.h"
#include "engine/verbs/workflow.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(wfo_start_workflow);
PG_FUNCTION_INFO_V1(wfo_complete_workflow);
PG_FUNCTION_INFO_V1(wfo_cancel_workflow);

Datum
wfo_start_workflow(PG_FUNCTION_ARGS)
{
	char *title;
	int64 *actor_id;
	bool dry_run;
	Jsonb *metadata;

	call_begin("start_workflow");
	title = arg_text(fcinfo, 0, "title");
	actor_id = arg_int64_or_null(fcinfo, 1);
	dry_run = PG_ARGISNULL(2) ? false : PG_GETARG_BOOL(2);
	metadata = arg_document(fcinfo, 3, "metadata");
	PG_RETURN_INT64(workflow_start(title, actor_id, dry_run, metadata));
}

Datum
wfo_complete_workflow(PG_FUNCTION_ARGS)
{
	int64 workflow_id;

	call_begin("complete_workflow");
	workflow_id = arg_int64(fcinfo, 0, "workflow_id");
	return enum_to_datum(&workflow_status_type,
						 workflow_complete(workflow_id, arg_int64_or_null(fcinfo, 1)));
}

Datum
wfo_cancel_workflow(PG_FUNCTION_ARGS)
{
	int64 workflow_id;

	call_begin("cancel_workflow");
	workflow_id = arg_int64(fcinfo, 0, "workflow_id");
	return enum_to_datum(&workflow_status_type,
						 workflow_cancel(workflow_id, arg_int64_or_null(fcinfo, 1),
										 arg_text_or_null(fcinfo, 2, "reason")));
}
