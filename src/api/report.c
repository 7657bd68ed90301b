/*
 * report.c
 *	  SQL functions that only read: transitions, whoami, get_audit_log, and what
 *	  workflow_report() checks.
 *
 * It turns what the engine and the model return into rows.  Nothing here
 * writes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "api/result_row.h"
#include "base/args.h"
#include "catalog/pg_type.h"
#include "engine/approval/inbox.h"
#include "engine/audit/audit.h"
#include "engine/call.h"
#include "engine/identity/caller.h"
#include "fmgr.h"
#include "funcapi.h"
#include "model/transition.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(wfo_list_pending_reviews);
PG_FUNCTION_INFO_V1(wfo_describe_needs);
PG_FUNCTION_INFO_V1(wfo_count_rebound_approvals);
PG_FUNCTION_INFO_V1(wfo_find_review_slot);
PG_FUNCTION_INFO_V1(wfo_transitions);
PG_FUNCTION_INFO_V1(wfo_list_capabilities);
PG_FUNCTION_INFO_V1(wfo_whoami);
PG_FUNCTION_INFO_V1(wfo_audit_log_entries);
PG_FUNCTION_INFO_V1(wfo_verify_audit_log);
PG_FUNCTION_INFO_V1(wfo_report_check);

Datum
wfo_transitions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int count;
	const Transition *table = transition_table(&count);

	call_begin_read("transitions");
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		const EnumType *type = object_status_type(table[i].object);
		Datum values[4];
		bool nulls[4] = {0};

		values[0] = CStringGetTextDatum(object_name(table[i].object));
		values[1] = CStringGetTextDatum(enum_label(type, table[i].from));
		values[2] = CStringGetTextDatum(event_name(table[i].event));
		values[3] = CStringGetTextDatum(enum_label(type, table[i].to));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static ArrayType *
text_array(const char *const *names)
{
	Datum *values;
	int count = 0;

	while (names[count] != NULL)
		count++;
	values = palloc(sizeof(Datum) * count);
	for (int i = 0; i < count; i++)
		values[i] = CStringGetTextDatum(names[i]);
	return construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT);
}

Datum
wfo_list_capabilities(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	call_begin_read("list_capabilities");
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < CAPABILITY_COUNT; i++)
	{
		const CapabilityInfo *info = capability_info((Capability) i);
		Datum values[3];
		bool nulls[3] = {0};

		values[0] = CStringGetTextDatum(info->name);
		values[1] = BoolGetDatum(info->restricted);
		values[2] = PointerGetDatum(text_array(info->functions));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
wfo_whoami(PG_FUNCTION_ARGS)
{
	Caller caller;
	int64 *actor_id;
	Datum capabilities[CAPABILITY_COUNT];
	int ncapabilities = 0;
	char *advice;
	Datum values[5];
	bool nulls[5] = {0};

	call_begin_read("whoami");
	caller_identify(&caller);
	actor_id = caller_bound_actor(&caller);
	for (int i = 0; i < CAPABILITY_COUNT; i++)
		if (caller_has(&caller, (Capability) i))
			capabilities[ncapabilities++] =
				CStringGetTextDatum(capability_info((Capability) i)->name);

	values[0] = DirectFunctionCall1(namein, CStringGetDatum(caller.role_name));
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(caller.login_name));
	nulls[2] = actor_id == NULL;
	values[2] = actor_id != NULL ? Int64GetDatum(*actor_id) : (Datum) 0;
	values[3] = PointerGetDatum(construct_array(capabilities, ncapabilities, TEXTOID, -1, false,
												TYPALIGN_INT));
	advice = caller_advice(&caller);
	nulls[4] = advice == NULL;
	values[4] = advice != NULL ? CStringGetTextDatum(advice) : (Datum) 0;
	return result_row(fcinfo, values, nulls);
}

/* Return one row per call, so that a LIMIT ends the reading. */
Datum
wfo_audit_log_entries(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	Datum values[AUDIT_DETAILS];
	bool nulls[AUDIT_DETAILS];

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		call_begin_read("get_audit_log");
		context = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &context->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "get_audit_log is not declared to return rows");
		context->tuple_desc = BlessTupleDesc(context->tuple_desc);
		context->user_fctx = audit_reader_begin(arg_int64_or_null(fcinfo, 0));
		MemoryContextSwitchTo(old);
	}
	context = SRF_PERCALL_SETUP();
	if (!audit_reader_next(context->user_fctx, values, nulls))
		SRF_RETURN_DONE(context);
	SRF_RETURN_NEXT(context,
					HeapTupleGetDatum(heap_form_tuple(context->tuple_desc, values, nulls)));
}

Datum
wfo_verify_audit_log(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	call_begin_read("verify_audit_log");
	InitMaterializedSRF(fcinfo, 0);
	audit_verify(arg_int64_or_null(fcinfo, 0), arg_text_or_null(fcinfo, 1, "checkpoint"),
				 rsinfo->setResult, rsinfo->setDesc);
	return (Datum) 0;
}

Datum
wfo_report_check(PG_FUNCTION_ARGS)
{
	call_begin_read("workflow_report");
	audit_check_report(arg_int64(fcinfo, 0, "workflow_id"));
	PG_RETURN_BOOL(true);
}

/*
 * The caller's inbox, or NULL if there is none.  It is kept as long as the
 * function's call in the query.
 */
static const Inbox *
inbox_of(FunctionCallInfo fcinfo)
{
	static const Inbox none;
	Inbox *inbox = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (inbox == NULL)
	{
		call_begin_read("find_review_slot");
		old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		inbox = palloc(sizeof(Inbox));
		if (!inbox_open(inbox, NULL))
			*inbox = none;
		MemoryContextSwitchTo(old);
		fcinfo->flinfo->fn_extra = inbox;
	}
	return inbox->policy != NULL ? inbox : NULL;
}

Datum
wfo_find_review_slot(PG_FUNCTION_ARGS)
{
	const Inbox *inbox = inbox_of(fcinfo);
	InboxItem item;
	Datum values[6] = {0};
	bool nulls[6] = {0};

	if (inbox == NULL ||
		!(PG_ARGISNULL(1) ? inbox_has_review(inbox, arg_int64(fcinfo, 0, "proposal_id"), &item)
						  : inbox_has_break_glass(inbox, PG_GETARG_INT64(1), &item)))
		PG_RETURN_NULL();
	nulls[0] = inbox->reviewer == NULL;
	if (inbox->reviewer != NULL)
		values[0] = Int64GetDatum(inbox->reviewer->actor_id);
	nulls[1] = item.slot.stage == 0;
	values[1] = Int64GetDatum(item.slot.stage);
	nulls[2] = item.slot.role == NULL;
	if (item.slot.role != NULL)
		values[2] = CStringGetTextDatum(item.slot.role);
	nulls[3] = item.slot.on_behalf_of == NULL;
	if (item.slot.on_behalf_of != NULL)
		values[3] = Int64GetDatum(*item.slot.on_behalf_of);
	values[4] = BoolGetDatum(item.approvable);
	values[5] = BoolGetDatum(item.tool_changed);
	return result_row(fcinfo, values, nulls);
}

Datum
wfo_list_pending_reviews(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	call_begin_read("list_pending_reviews");
	InitMaterializedSRF(fcinfo, 0);
	inbox_read(arg_int64_or_null(fcinfo, 0), rsinfo->setResult, rsinfo->setDesc);
	return (Datum) 0;
}

Datum
wfo_describe_needs(PG_FUNCTION_ARGS)
{
	char *needs;

	call_begin_read("describe_needs");
	needs = proposal_needs(arg_int64(fcinfo, 0, "proposal_id"));
	if (needs == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(needs));
}

Datum
wfo_count_rebound_approvals(PG_FUNCTION_ARGS)
{
	call_begin_read("count_rebound_approvals");
	PG_RETURN_INT64(proposal_count_rebound(arg_int64(fcinfo, 0, "proposal_id")));
}
