/*
 * invoke.c
 *	  Calls a tool's function.
 *
 * The function is called by its OID, through an expression that is built here
 * and not through SQL text: there is no parsing and no search_path between what
 * was approved and what runs.  The executor still checks EXECUTE as the role
 * that the tool runs as, and evaluates the defaults of missing arguments.  Who
 * may run the call, and what is written about it, is not this file's business.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/settings.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "engine/running.h"
#include "engine/sandbox/confine.h"
#include "engine/sandbox/sandbox.h"
#include "engine/tool/invoke.h"
#include "engine/tool/params.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

static void
check_size(Size size)
{
	if (size > (Size) setting_max_result_size * 1024)
		report_limit("wfo_result_too_large", errmsg("result is too large"),
					 errdetail("It takes more than the limit of %d kB.", setting_max_result_size),
					 errhint("The limit is the setting workflow_orch.max_result_size."));
}

/* One row of a set as jsonb. */
static Jsonb *
row_to_jsonb(TupleTableSlot *slot, TypeFuncClass result_class)
{
	bool isnull;
	Datum value;

	if (result_class == TYPEFUNC_SCALAR)
	{
		value = slot_getattr(slot, 1, &isnull);
		return json_from_datum(value, isnull,
							   TupleDescAttr(slot->tts_tupleDescriptor, 0)->atttypid);
	}
	return json_from_datum(ExecFetchSlotHeapTupleDatum(slot), false, RECORDOID);
}

/*
 * Prepare a call to run.  The planner fills in the defaults of missing
 * arguments; without any there is nothing for it to do.
 */
static Expr *
plan_call(FuncExpr *call, bool complete)
{
	return complete ? (Expr *) call : expression_planner((Expr *) call);
}

/* Call a function that returns a set: an array of its rows. */
static Jsonb *
call_set(FuncExpr *call, bool complete, EState *estate)
{
	ExprContext *econtext = CreateExprContext(estate);
	JsonArray array;
	SetExprState *setexpr;
	Tuplestorestate *rows;
	TupleTableSlot *slot;
	TupleDesc desc;
	Oid type;
	Size size = 0;
	TypeFuncClass result_class = get_func_result_type(call->funcid, &type, &desc);

	if (result_class == TYPEFUNC_SCALAR)
	{
		desc = CreateTemplateTupleDesc(1);
		TupleDescInitEntry(desc, 1, "value", type, -1, 0);
	}
	BlessTupleDesc(desc);
	setexpr = ExecInitTableFunctionResult(plan_call(call, complete), econtext, NULL);
	rows = ExecMakeTableFunctionResult(setexpr, econtext, GetPerTupleMemoryContext(estate), desc,
									   false);
	slot = ExecInitExtraTupleSlot(estate, desc, &TTSOpsMinimalTuple);

	json_array_begin(&array);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		Jsonb *row = row_to_jsonb(slot, result_class);

		CHECK_FOR_INTERRUPTS();
		check_size(size += VARSIZE(row));
		json_array_add(&array, row);
	}
	return json_array_end(&array);
}

/* Call a function that returns one value. */
static Jsonb *
call_single(FuncExpr *call, bool complete, EState *estate)
{
	ExprState *state = ExecInitExpr(plan_call(call, complete), NULL);
	bool isnull;
	Datum value = ExecEvalExpr(state, GetPerTupleExprContext(estate), &isnull);

	if (call->funcresulttype == VOIDOID)
		return json_null();
	return json_from_datum(value, isnull, call->funcresulttype);
}

/* Fire deferred triggers as the current user, and let none be deferred from here on. */
static void
fire_deferred(void)
{
	ConstraintsSetStmt stmt = {.type = T_ConstraintsSetStmt, .constraints = NIL, .deferred = false};

	AfterTriggerSetState(&stmt);
}

/*
 * Fire the caller's deferred triggers, as the caller and not as the owner of a
 * wrapper or the tool's role, and let none be deferred from here on.
 */
static void
fire_deferred_as_caller(void)
{
	Oid save_user;
	int save_context;

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(GetOuterUserId(), save_context | SECURITY_LOCAL_USERID_CHANGE);
	fire_deferred();
	SetUserIdAndSecContext(save_user, save_context);
}

/*
 * Prepare a call in a session, before anything is locked or checked for it:
 * fire the caller's deferred triggers.  Calls are refused inside a trigger,
 * since the triggers of the tables that the tool changes could see the depth.
 */
void
invoke_prepare(void)
{
	if (DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH)) > 0)
		report_wrong_state("wfo_in_trigger", errmsg("a call cannot run inside a trigger"),
						   errdetail("Triggers that the call fires would get another result from "
									 "pg_trigger_depth() than usual."),
						   errhint("Let the trigger queue the call with enqueue_action, or run the "
								   "call after the statement."));
	fire_deferred_as_caller();
}

/*
 * Fire the triggers that a tool has deferred in a worker, as its role, and then
 * those that they have deferred in turn.  The second time is restricted, so
 * that nothing is left to run at the commit, when the call no longer counts as
 * running.
 */
static void
fire_deferred_in_worker(void)
{
	Oid save_user;
	int save_context;

	fire_deferred();
	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(save_user, save_context | SECURITY_RESTRICTED_OPERATION);
	fire_deferred();
	SetUserIdAndSecContext(save_user, save_context);
}

typedef struct Call
{
	const Definition *definition;
	Jsonb *params;
	const Invocation *invocation;
	const char *changed; /* an argument that is not what was approved */
	bool uncountable;    /* the call has a limit on its rows, which the server does not count */
	Jsonb *output;
	RowCount rows;
} Call;

/*
 * Convert the params to the function's arguments.  That may run code of types,
 * which must not write, as when the call was proposed.  An argument that
 * differs from the stored one ends the call before it begins.
 */
static void
read_call_arguments(Call *call, Arguments *arguments)
{
	bool read_only = XactReadOnly;

	XactReadOnly = true;
	call->changed = params_arguments(call->definition, call->params, arguments);
	XactReadOnly = read_only;
	if (call->changed != NULL)
		report_wrong_state("wfo_tool_changed",
						   errmsg("argument \"%s\" is not what was approved", call->changed));
}

/* End a call with a limit on its rows before it begins, if the rows could not be counted. */
static void
check_countable(Call *call)
{
	const int64 *max_rows = call->invocation->max_rows;

	if (max_rows == NULL)
		return;
	call->uncountable = true;
	row_count_check_on(*max_rows);
	call->uncountable = false;
}

/* Read how many rows the call has changed, and hold it to its limit. */
static void
count_rows(Call *call)
{
	const int64 *max_rows = call->invocation->max_rows;

	row_count_read(&call->rows);
	if (max_rows != NULL)
		row_count_check(&call->rows, *max_rows);
}

/* Let a call of the extension itself wait for no lock, until the sandbox ends. */
static void
do_not_wait(void)
{
	(void) set_config_option("workflow_orch.lock_wait", "1", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

static void
call_function(void *arg)
{
	Call *call = arg;
	const Definition *definition = call->definition;
	MemoryContext result_context = CurrentMemoryContext;
	EState *estate = CreateExecutorState();
	Arguments arguments;
	FuncExpr *expr;
	Jsonb *output;

	check_countable(call);
	row_count_begin();
	MemoryContextSwitchTo(estate->es_query_cxt);
	read_call_arguments(call, &arguments);
	estate->es_param_list_info = arguments.values;
	expr = makeFuncExpr(definition->function, definition->result_type, arguments.expressions,
						InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	expr->funcretset = definition->returns_set;
	expr->funcvariadic = definition->variadic;
	if (type_is_collatable(definition->result_type))
		expr->funccollid = get_typcollation(definition->result_type);
	expr->inputcollid = DEFAULT_COLLATION_OID;
	if (call->invocation->built_in != NULL)
		do_not_wait();

	output = definition->returns_set ? call_set(expr, arguments.complete, estate)
									 : call_single(expr, arguments.complete, estate);
	check_size(VARSIZE(output));

	if (call->invocation->in_worker)
		fire_deferred_in_worker();
	MemoryContextSwitchTo(result_context);
	call->output = (Jsonb *) memcpy(palloc(VARSIZE(output)), output, VARSIZE(output));
	FreeExecutorState(estate);
	count_rows(call);
	if (call->invocation->look != NULL)
		call->invocation->look(call->invocation->look_arg, call->output);
}

/* Add a hint where a tool can do what the confinement of a session forbids. */
static void
add_confinement_hint(ErrorData *error)
{
	if (error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE || error->hint != NULL ||
		error->message_id == NULL ||
		strstr(error->message_id, "security-restricted operation") == NULL)
		return;
	if (strstr(error->message, " LISTEN ") != NULL)
		error->hint = pstrdup("A background worker cannot do this either: PostgreSQL lets only "
							  "clients listen.");
	else
		error->hint = pstrdup(CONFINE_WORKER_HINT);
}

/* Refuse a call whose params no longer mean what was approved: 55000. */
static void
report_changed_argument(const Invocation *invocation, const Tool *tool,
						const Definition *definition, const char *argument)
{
	int position = 0;

	while (strcmp(definition->arg_names[position], argument) != 0)
		position++;
	report_wrong_state("wfo_tool_changed",
					   errmsg("params of proposal " INT64_FORMAT
							  " no longer mean what was approved for tool \"%s\"",
							  invocation->proposal_id, tool->tool),
					   errdetail("Argument \"%s\" of type %s is now converted to another value.",
								 argument, format_type_be(definition->arg_types[position])),
					   errhint("Propose the call again, or edit the proposal."));
}

/*
 * Call the tool's function in this process, as the role of the invocation.
 *
 * In a session the caller has called invoke_prepare before it locked and
 * checked anything, since the triggers that fire there can do what they like.
 * Returns NULL, the output and how many rows the call has changed, or the error
 * that undid the call; raises 55000 where an argument is not what was approved,
 * or where a call that has a limit on its rows would not be counted.
 */
ErrorData *
invoke(const Invocation *invocation, const Tool *tool, const Definition *definition, int64 timeout,
	   Jsonb *params, Jsonb **output, RowCount *rows)
{
	Call call = {.definition = definition, .params = params, .invocation = invocation};
	Sandbox sandbox = {.role = invocation->run_as,
					   .search_path = tool->search_path,
					   .timeout = timeout,
					   .grace = setting_timeout_grace,
					   .ends_session = !invocation->in_worker && invocation->execution_id != 0,
					   .read_only = false,
					   .keep = !invocation->undo,
					   .in_worker = invocation->in_worker};
	RunningCall running = {.proposal_id = invocation->proposal_id,
						   .execution_id = invocation->execution_id,
						   .actor = invocation->actor,
						   .function = definition->function,
						   .is_undone = invocation->undo,
						   .built_in = invocation->built_in,
						   .authority = invocation->authority};
	Running outer = running_save();
	ErrorData *volatile error = NULL;

	Assert(OidIsValid(invocation->run_as) && OidIsValid(definition->function));
	running_enter_call(&running);
	PG_TRY();
	{
		error = sandbox_run(&sandbox, call_function, &call);
	}
	PG_FINALLY();
	{
		running_restore(&outer);
	}
	PG_END_TRY();

	if (call.changed != NULL)
		report_changed_argument(invocation, tool, definition, call.changed);
	if (call.uncountable)
		ReThrowError(error);
	if (error != NULL)
		add_confinement_hint(error);
	else if (!invocation->undo && !invocation->in_worker)
		fire_deferred_as_caller();
	*output = call.output;
	*rows = call.rows;
	return error;
}
