/*
 * batch.c
 *	  The calls of one execute_parallel: which proposals they are, and what
 *	  became of them.
 *
 * It owns the reading of the calls and of their results.  Everything is checked
 * before the first call starts, and by the workers again.  The proposals are
 * not locked here, since the workers must lock them.  Handing the calls to
 * workers is the business of src/worker.
 */
#include "postgres.h"

#include "base/each.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/json_args.h"
#include "engine/run/approved.h"
#include "engine/run/frozen.h"
#include "engine/run/raw_call.h"
#include "engine/state.h"
#include "engine/tool/run_as.h"
#include "engine/verbs/batch.h"
#include "engine/verbs/execute.h"
#include "store/audit_log.h"
#include "store/execution.h"

#define SHAPE_HINT \
	"A call is {\"proposal_id\": ...} or {\"tool\": ..., \"params\": {...}, \"workflow_id\": ...}, " \
	"where the workflow_id is optional."

/* A call as the caller wrote it. */
typedef struct CallSpec
{
	int64 *proposal_id;
	int64 *workflow_id;
	char *tool;
	Jsonb *params;
} CallSpec;

/* Read one element of the calls. */
static void
read_call(const JsonArgs *args, CallSpec *spec)
{
	static const char *const keys[] = {"proposal_id", "tool", "params", "workflow_id", NULL};

	json_args_check_keys(args, keys);
	spec->proposal_id = json_args_int64_or_null(args, "proposal_id");
	spec->tool = json_args_text_or_null(args, "tool");
	spec->params = json_args_object_or_null(args, "params");
	spec->workflow_id = json_args_int64_or_null(args, "workflow_id");
	if (spec->proposal_id != NULL
			? spec->tool != NULL || spec->params != NULL || spec->workflow_id != NULL
			: spec->tool == NULL || spec->params == NULL)
		report_invalid("wfo_argument_invalid",
					   errmsg("element %d of argument \"%s\" must have either \"proposal_id\" or "
							  "\"tool\" and \"params\"",
							  args->index, args->argument),
					   errhint("%s", args->hint));
}

static CallSpec *
read_calls(Jsonb *calls, int *count)
{
	JsonArgs args = {.argument = "calls", .hint = SHAPE_HINT};
	Jsonb **elements = json_args_elements(&args, calls, count);
	CallSpec *specs = palloc0(Max(*count, 1) * sizeof(CallSpec));

	for (args.index = 0; args.index < *count; args.index++)
	{
		args.object = elements[args.index];
		read_call(&args, &specs[args.index]);
	}
	return specs;
}

/* Refuse ids that do not exist, before the state of any call is looked at. */
static void
check_ids(const CallSpec *spec)
{
	if (spec->proposal_id != NULL)
		(void) proposal_require(*spec->proposal_id);
	else
		(void) tool_require(spec->tool);
	if (spec->workflow_id != NULL)
		(void) workflow_require(*spec->workflow_id);
}

/* Refuse a proposal that only this transaction sees as it is: the workers would not see it. */
static void
check_committed(const Proposal *proposal)
{
	if (!raw_call_is_committed(proposal))
		report_wrong_state("wfo_not_committed",
						   errmsg("the approval of proposal " INT64_FORMAT " is not committed yet",
								  proposal->proposal_id),
						   errdetail("It was changed in this transaction, and background workers "
									 "do not see the change before the commit."),
						   errhint("Commit the transaction first."));
}

/* Check a call as its worker will, and fill in how it is to run. */
static void
check_batch_call(Proposal *proposal, BatchCall *result)
{
	ApprovedCall call;

	check_committed(proposal);
	approved_check_not_queued(proposal->proposal_id);
	approved_load(&call, proposal);
	tool_check_worker(call.tool);
	freeze_check(call.tool->tool);
	approved_check_role(&call);
	if (!call.dry_run)
		run_as_check_worker(call.tool, call.run_as);
	result->proposal_id = proposal->proposal_id;
	result->workflow_id = proposal->workflow_id;
	result->role = call.dry_run ? InvalidOid : call.run_as;
}

/* The state of batch_prepare while it goes through the calls. */
typedef struct Preparation
{
	Batch *batch;
	const CallSpec *specs;
	RawCalls *raw_calls;
} Preparation;

static void
check_ids_of_call(int index, void *arg)
{
	check_ids(&((Preparation *) arg)->specs[index]);
}

static void
prepare_call(int index, void *arg)
{
	const Preparation *preparation = arg;
	const CallSpec *spec = &preparation->specs[index];
	Batch *batch = preparation->batch;
	Proposal *proposal;

	refusal_note_proposal(spec->proposal_id != NULL ? *spec->proposal_id : 0);
	if (spec->proposal_id != NULL)
		proposal = proposal_require(*spec->proposal_id);
	else
		proposal = raw_call_find(preparation->raw_calls, index, spec->tool, spec->params,
								 spec->workflow_id);
	check_batch_call(proposal, &batch->calls[index]);
	batch->nlive += OidIsValid(batch->calls[index].role);
}

/* Read the calls and check all of them.  Nothing has run if this raises an error. */
void
batch_prepare(Batch *batch, Jsonb *calls, const int64 *actor_id)
{
	CallSpec *specs = read_calls(calls, &batch->ncalls);
	Preparation preparation = {.batch = batch, .specs = specs};

	caller_identify(&batch->caller);
	batch->actor = caller_actor_or_null(&batch->caller, actor_id);
	preparation.raw_calls = raw_calls_begin(batch->ncalls);
	for (int i = 0; i < batch->ncalls; i++)
		if (specs[i].proposal_id != NULL &&
			!raw_call_take(preparation.raw_calls, *specs[i].proposal_id))
			report_invalid("wfo_argument_invalid",
						   errmsg("proposal " INT64_FORMAT " is named twice",
								  *specs[i].proposal_id),
						   errdetail("Call %d names it again.", i),
						   errhint("A proposal is executed once."));

	batch->calls = palloc0(Max(batch->ncalls, 1) * sizeof(BatchCall));
	batch->nlive = 0;
	each_item(batch->ncalls, check_ids_of_call, &preparation);
	each_item(batch->ncalls, prepare_call, &preparation);
	refusal_note_proposal(0);
	if (batch->actor != NULL)
		caller_check_acts_as(&batch->caller, batch->actor);
}

/* Results under construction, in memory that lasts. */
typedef struct Results
{
	Batch *batch;
	MemoryContext memory;
	JsonArray array;
} Results;

static void
run_dry_call(int index, void *arg)
{
	const Results *results = arg;
	const Batch *batch = results->batch;
	BatchCall *call = &batch->calls[index];
	Jsonb *result;
	MemoryContext old;

	if (OidIsValid(call->role))
		return;
	call->execution_id = execute_of_batch(call->proposal_id,
										  batch->actor != NULL ? &batch->actor->actor_id : NULL,
										  &result);
	old = MemoryContextSwitchTo(results->memory);
	call->result = json_copy(result);
	MemoryContextSwitchTo(old);
	call->fate = FATE_DONE;
}

/* Run the calls that are dry runs, which need no worker. */
void
batch_run_dry(Batch *batch)
{
	Results results = {.batch = batch, .memory = CurrentMemoryContext};

	each_item(batch->ncalls, run_dry_call, &results);
}

/* The result of a call that has no execution. */
static Jsonb *
result_of_fate(const BatchCall *call)
{
	const Proposal *proposal = proposal_require(call->proposal_id);
	TimestampTz now = GetCurrentTimestamp();
	ErrorData error = {.sqlerrcode = ERRCODE_QUERY_CANCELED,
					   .constraint_name = pstrdup("wfo_cancelled")};

	switch (call->fate)
	{
		case FATE_NO_WORKER:
			error.sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
			error.constraint_name = pstrdup("wfo_no_workers");
			error.message = "no background worker could be started for the call";
			error.hint = "See the server log; workflow_orch.max_workers, max_worker_processes and "
						 "the connection limits of the database and of the tool's role must leave "
						 "room for one.";
			break;
		case FATE_DEADLOCK:
			error.sqlerrcode = ERRCODE_T_R_DEADLOCK_DETECTED;
			error.constraint_name = pstrdup("wfo_deadlock");
			error.message = "deadlock detected";
			error.detail = "The call was not started: every worker waits for a lock of a "
						   "transaction that waits for a worker.";
			error.hint = "Commit before you execute calls that need the same rows.";
			break;
		case FATE_GONE:
			error.sqlerrcode = ERRCODE_LOCK_NOT_AVAILABLE;
			error.constraint_name = pstrdup("wfo_busy");
			error.message = "the proposal was being executed or changed by another session";
			break;
		default:
			error.message = "canceled before it started";
			error.detail = "The timeout of the batch was reached.";
	}
	return result_build(&(CallResult){.tool = proposal->tool,
									  .params = proposal->params,
									  .error = &error,
									  .started_at = now,
									  .finished_at = now});
}

/* The result with the members that say which call it is of. */
static Jsonb *
add_call(Jsonb *result, int index, const BatchCall *call)
{
	JsonObject object;
	JsonbIterator *iterator = JsonbIteratorInit(&result->root);
	JsonbValue value;

	json_object_begin(&object);
	json_add_int(&object, "call_index", index);
	json_add_int(&object, "proposal_id", call->proposal_id);
	if (call->execution_id != 0)
		json_add_int(&object, "execution_id", call->execution_id);
	else
		json_add_jsonb(&object, "execution_id", NULL);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_KEY)
	{
		char *key = pnstrdup(value.val.string.val, value.val.string.len);

		(void) JsonbIteratorNext(&iterator, &value, true);
		json_add_value(&object, key, &value);
	}
	return json_object_end(&object);
}

static Jsonb *
result_of(const BatchCall *call)
{
	const Execution *execution;

	if (call->result != NULL)
		return call->result;
	if (call->execution_id == 0)
		return result_of_fate(call);
	execution = execution_load(call->execution_id);
	if (execution == NULL || execution->result == NULL)
		elog(ERROR, "execution " INT64_FORMAT " has no result", call->execution_id);
	return execution->result;
}

static int
compare_workflows(const void *a, const void *b)
{
	const BatchCall *left = *(BatchCall *const *) a;
	const BatchCall *right = *(BatchCall *const *) b;

	if (left->workflow_id != right->workflow_id)
		return left->workflow_id < right->workflow_id ? -1 : 1;
	return (left > right) - (left < right);
}

/* The audit row of the calls of one workflow. */
static void
audit_calls(const Batch *batch, BatchCall *const *calls, int count)
{
	JsonObject details;
	JsonArray proposals;
	int64 succeeded = 0;

	Assert(count > 0);
	json_array_begin(&proposals);
	for (int i = 0; i < count; i++)
	{
		succeeded += calls[i]->succeeded;
		json_array_add_int(&proposals, calls[i]->proposal_id);
	}
	json_object_begin(&details);
	json_add_int(&details, "calls", count);
	json_add_int(&details, "succeeded", succeeded);
	json_add_int(&details, "failed", count - succeeded);
	json_add_jsonb(&details, "proposals", json_array_end(&proposals));
	audit_insert(&(AuditEntry){
		.action = "execute_parallel",
		.actor_id = batch->actor != NULL ? &batch->actor->actor_id : NULL,
		.workflow_id = &calls[0]->workflow_id,
		.login = batch->caller.login,
		.db_role = batch->caller.role,
		.details = json_object_end(&details),
	});
}

/* One audit row for each workflow that the batch has calls of. */
static void
audit_batch(const Batch *batch)
{
	BatchCall **calls = palloc(Max(batch->ncalls, 1) * sizeof(BatchCall *));
	int begin = 0;

	for (int i = 0; i < batch->ncalls; i++)
		calls[i] = &batch->calls[i];
	qsort(calls, batch->ncalls, sizeof(BatchCall *), compare_workflows);
	for (int end = 1; end <= batch->ncalls; end++)
		if (end == batch->ncalls || calls[end]->workflow_id != calls[begin]->workflow_id)
		{
			audit_calls(batch, calls + begin, end - begin);
			begin = end;
		}
}

static void
add_result(int index, void *arg)
{
	Results *results = arg;
	BatchCall *call = &results->batch->calls[index];
	Jsonb *result = result_of(call);
	JsonbValue *success = json_find(result, "success");
	MemoryContext old;

	call->succeeded = success != NULL && success->type == jbvBool && success->val.boolean;
	result = add_call(result, index, call);
	old = MemoryContextSwitchTo(results->memory);
	json_array_add(&results->array, json_copy(result));
	MemoryContextSwitchTo(old);
}

/* The results of all calls, in their order; writes the audit row of the batch. */
Jsonb *
batch_results(Batch *batch)
{
	Results results = {.batch = batch, .memory = CurrentMemoryContext};

	json_array_begin(&results.array);
	each_item(batch->ncalls, add_result, &results);
	audit_batch(batch);
	return json_array_end(&results.array);
}
