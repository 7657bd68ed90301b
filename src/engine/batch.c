/*
 * batch.c
 *	  The calls of one execute_parallel: which proposals they are, and what
 *	  became of them.
 *
 * Everything is checked before the first call starts, and by the workers again.
 * The proposals are not locked here, since the workers must lock them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/errors.h"
#include "base/json.h"
#include "engine/approved.h"
#include "engine/batch.h"
#include "engine/freeze.h"
#include "engine/params.h"
#include "engine/run_as.h"
#include "engine/state.h"
#include "engine/verbs.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/audit_log.h"
#include "store/execution.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* How many calls one batch may have. */
#define BATCH_MAX 100000

/* How many approved proposals a hint names, and how many bytes of the params of each. */
#define HINT_MAX 3
#define HINT_PARAMS_MAX 200

#define SHAPE_HINT \
	"A call is {\"proposal_id\": ...} or {\"tool\": ..., \"params\": {...}, \"workflow_id\": ...}, " \
	"the workflow_id optional."

/* The approved proposals of a tool, for calls that name no proposal. */
typedef struct Candidates
{
	char *tool;
	int count;
	ApprovedParams *list;
} Candidates;

/* What batch_prepare keeps while it goes through the calls. */
typedef struct Resolver
{
	HTAB *used; /* proposals that a call has */
	List *candidates;
} Resolver;

/* A call as the caller wrote it. */
typedef struct CallSpec
{
	int64 *proposal_id;
	int64 *workflow_id;
	char *tool;
	Jsonb *params;
} CallSpec;

/* An id, as a number or as a string of digits. */
static int64 *
read_id(int index, const char *key, const JsonbValue *value)
{
	char *text = NULL;
	char *end;
	int64 *id = palloc(sizeof(int64));

	if (value->type == jbvNumeric)
		text = DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(value->val.numeric)));
	else if (value->type == jbvString)
		text = pnstrdup(value->val.string.val, value->val.string.len);
	if (text != NULL)
	{
		errno = 0;
		*id = strtoll(text, &end, 10);
		if (errno == 0 && end != text && *end == '\0')
			return id;
	}
	report_invalid("wfo_argument_invalid", errmsg("call %d has a malformed %s", index, key),
				   errdetail("It must be a whole number."), errhint(SHAPE_HINT));
	return NULL;
}

static void
read_member(int index, const char *key, JsonbValue *value, CallSpec *spec)
{
	if (strcmp(key, "proposal_id") == 0)
		spec->proposal_id = read_id(index, key, value);
	else if (strcmp(key, "workflow_id") == 0 && value->type != jbvNull)
		spec->workflow_id = read_id(index, key, value);
	else if (strcmp(key, "tool") == 0 && value->type == jbvString)
		spec->tool = pnstrdup(value->val.string.val, value->val.string.len);
	else if (strcmp(key, "params") == 0)
	{
		spec->params = JsonbValueToJsonb(value);
		if (!JB_ROOT_IS_OBJECT(spec->params))
			report_invalid("wfo_argument_invalid",
						   errmsg("the params of call %d must be a JSON object", index),
						   errhint(SHAPE_HINT));
	}
	else if (strcmp(key, "workflow_id") != 0)
		report_invalid("wfo_argument_invalid",
					   errmsg("call %d has an unknown or malformed member \"%s\"", index, key),
					   errhint(SHAPE_HINT));
}

static void
read_spec(int index, Jsonb *call, CallSpec *spec)
{
	JsonbIterator *iterator;
	JsonbValue value;

	memset(spec, 0, sizeof(CallSpec));
	if (!JB_ROOT_IS_OBJECT(call))
		report_invalid("wfo_argument_invalid", errmsg("call %d is not a JSON object", index),
					   errhint(SHAPE_HINT));
	iterator = JsonbIteratorInit(&call->root);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_KEY)
	{
		char *key = pnstrdup(value.val.string.val, value.val.string.len);

		(void) JsonbIteratorNext(&iterator, &value, true);
		read_member(index, key, &value, spec);
	}
	if (spec->proposal_id != NULL
			? spec->tool != NULL || spec->params != NULL || spec->workflow_id != NULL
			: spec->tool == NULL || spec->params == NULL)
		report_invalid("wfo_argument_invalid", errmsg("call %d does not say what to call", index),
					   errhint(SHAPE_HINT));
}

static CallSpec *
read_specs(Jsonb *calls, int *count)
{
	CallSpec *specs;
	JsonbIterator *iterator;
	JsonbValue value;
	int index = 0;

	if (!JB_ROOT_IS_ARRAY(calls) || JB_ROOT_IS_SCALAR(calls))
		report_invalid("wfo_argument_invalid", errmsg("argument \"calls\" must be a JSON array"),
					   errhint(SHAPE_HINT));
	*count = JB_ROOT_COUNT(calls);
	if (*count > BATCH_MAX)
		report_limit("wfo_too_many_calls", errmsg("too many calls"),
					 errdetail("There are %d; the limit is %d.", *count, BATCH_MAX),
					 errhint("Execute them in several batches, or with enqueue_action."));
	specs = palloc(Max(*count, 1) * sizeof(CallSpec));
	iterator = JsonbIteratorInit(&calls->root);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
	{
		read_spec(index, JsonbValueToJsonb(&value), &specs[index]);
		index++;
	}
	return specs;
}

/* Take a proposal for a call: false where another call has it. */
static bool
take_proposal(Resolver *resolver, int64 proposal_id)
{
	bool found;

	(void) hash_search(resolver->used, &proposal_id, HASH_ENTER, &found);
	return !found;
}

static Candidates *
candidates_of(Resolver *resolver, char *tool)
{
	Candidates *candidates;
	ListCell *cell;

	foreach (cell, resolver->candidates)
	{
		candidates = lfirst(cell);
		if (strcmp(candidates->tool, tool) == 0)
			return candidates;
	}
	candidates = palloc(sizeof(Candidates));
	candidates->tool = tool;
	candidates->list = proposal_list_approved(tool, &candidates->count);
	resolver->candidates = lappend(resolver->candidates, candidates);
	return candidates;
}

/* What is approved for the tool, for who finds that the params do not match. */
static char *
approved_hint(const Candidates *candidates)
{
	StringInfoData hint;

	initStringInfo(&hint);
	if (candidates->count == 0)
		appendStringInfo(&hint, "Propose the call and have it approved.");
	else
		appendStringInfo(&hint, "Approved for tool \"%s\":", candidates->tool);
	for (int i = 0; i < candidates->count && i < HINT_MAX; i++)
	{
		const Proposal *proposal = proposal_require(candidates->list[i].proposal_id);
		const char *params = json_text(proposal->params);

		appendStringInfo(&hint, "%s proposal " INT64_FORMAT " with params %.*s", i > 0 ? "," : "",
						 proposal->proposal_id,
						 pg_mbcliplen(params, (int) strlen(params), HINT_PARAMS_MAX), params);
	}
	if (candidates->count > HINT_MAX)
		appendStringInfo(&hint, ", and %d more", candidates->count - HINT_MAX);
	if (candidates->count > 0)
		appendStringInfoChar(&hint, '.');
	return hint.data;
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

static bool
is_committed(const Proposal *proposal)
{
	return !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(proposal->row->tuple
																		   ->t_data));
}

/*
 * The oldest approved proposal that a call by tool and params means; one that
 * is not committed only where there is no other.
 */
static Proposal *
find_proposal(Resolver *resolver, int index, CallSpec *spec)
{
	const Tool *tool = tool_require(spec->tool);
	Candidates *candidates = candidates_of(resolver, spec->tool);
	Jsonb *params = params_convert(tool, definition_load(tool), run_as_current(tool),
								   tool_timeout(tool, policy_load()), spec->params);
	uint32 hash = DatumGetUInt32(DirectFunctionCall1(jsonb_hash, JsonbPGetDatum(params)));
	Proposal *uncommitted = NULL;

	for (int i = 0; i < candidates->count; i++)
	{
		const ApprovedParams *candidate = &candidates->list[i];
		Proposal *proposal;

		if (candidate->hash != hash ||
			(spec->workflow_id != NULL && candidate->workflow_id != *spec->workflow_id) ||
			hash_search(resolver->used, &candidate->proposal_id, HASH_FIND, NULL) != NULL)
			continue;
		proposal = proposal_require(candidate->proposal_id);
		if (proposal_status_now(proposal) == PROPOSAL_APPROVED &&
			json_equal(proposal->params, params) && !queued_exists(proposal->proposal_id))
		{
			if (!is_committed(proposal))
			{
				uncommitted = uncommitted != NULL ? uncommitted : proposal;
				continue;
			}
			(void) take_proposal(resolver, proposal->proposal_id);
			return proposal;
		}
	}
	if (uncommitted != NULL)
		return uncommitted;
	report_wrong_state(
		"wfo_not_approved", errmsg("call %d has no approved proposal", index),
		errdetail("No approved proposal of tool \"%s\" that is not executed or queued "
				  "yet has these params.",
				  spec->tool),
		errhint("%s", approved_hint(candidates)));
	return NULL;
}

/*
 * Refuse what only this transaction knows of: the workers would not see it.
 */
static void
check_committed(const Proposal *proposal)
{
	if (!is_committed(proposal))
		report_wrong_state(
			"wfo_not_committed",
			errmsg("the approval of proposal " INT64_FORMAT " is not committed yet",
				   proposal->proposal_id),
			errdetail("It was changed in this transaction, which a background worker "
					  "does not see."),
			errhint("Commit first."));
}

/* Check a call as its worker will, and fill in how it is to run. */
static void
check_call(Proposal *proposal, BatchCall *result)
{
	ApprovedCall call;

	check_committed(proposal);
	approved_check_not_queued(proposal->proposal_id);
	approved_load(&call, proposal);
	freeze_check(call.tool->tool);
	approved_check_role(&call);
	if (!call.dry_run)
		run_as_check_worker(call.tool, call.run_as);
	result->proposal_id = proposal->proposal_id;
	result->workflow_id = proposal->workflow_id;
	result->role = call.dry_run ? InvalidOid : call.run_as;
}

/*
 * Read the calls and check all of them: nothing has run when this raises.
 */
void
batch_prepare(Batch *batch, Jsonb *calls, const int64 *actor_id)
{
	HASHCTL ctl = {.keysize = sizeof(int64), .entrysize = sizeof(int64)};
	Resolver resolver = {0};
	CallSpec *specs = read_specs(calls, &batch->ncalls);
	MemoryContext work;
	MemoryContext old;

	caller_identify(&batch->caller);
	batch->actor = caller_actor_or_null(&batch->caller, actor_id);
	ctl.hcxt = CurrentMemoryContext;
	resolver.used = hash_create("proposals of a batch", Max(batch->ncalls, 16), &ctl,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < batch->ncalls; i++)
		if (specs[i].proposal_id != NULL && !take_proposal(&resolver, *specs[i].proposal_id))
			report_invalid("wfo_argument_invalid",
						   errmsg("proposal " INT64_FORMAT " is named twice",
								  *specs[i].proposal_id),
						   errdetail("Call %d names it again.", i),
						   errhint("A proposal is executed once."));

	batch->calls = palloc0(Max(batch->ncalls, 1) * sizeof(BatchCall));
	batch->nlive = 0;
	work = AllocSetContextCreate(CurrentMemoryContext, "batch", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < batch->ncalls; i++)
	{
		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(work);
		check_ids(&specs[i]);
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
	}
	for (int i = 0; i < batch->ncalls; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (specs[i].proposal_id != NULL)
		{
			old = MemoryContextSwitchTo(work);
			check_call(proposal_require(*specs[i].proposal_id), &batch->calls[i]);
		}
		else
		{
			Proposal *proposal = find_proposal(&resolver, i, &specs[i]);

			old = MemoryContextSwitchTo(work);
			check_call(proposal, &batch->calls[i]);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
		batch->nlive += OidIsValid(batch->calls[i].role);
	}
	MemoryContextDelete(work);
	if (batch->actor != NULL)
		caller_check_acts_as(&batch->caller, batch->actor);
}

/* Run the calls that are dry runs, which need no worker. */
void
batch_run_dry(Batch *batch)
{
	const int64 *actor_id = batch->actor != NULL ? &batch->actor->actor_id : NULL;

	for (int i = 0; i < batch->ncalls; i++)
	{
		BatchCall *call = &batch->calls[i];

		if (OidIsValid(call->role))
			continue;
		call->execution_id = execute_of_batch(call->proposal_id, actor_id, &call->result);
		call->fate = FATE_DONE;
	}
}

/* The result of a call that has no execution. */
static Jsonb *
result_of_fate(const BatchCall *call)
{
	const Proposal *proposal = proposal_require(call->proposal_id);
	TimestampTz now = GetCurrentTimestamp();
	ErrorData error = {.sqlerrcode = ERRCODE_QUERY_CANCELED};

	switch (call->fate)
	{
		case FATE_NO_WORKER:
			error.sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
			error.message = "no background worker could be started for the call";
			error.hint = "See the server log; workflow_orch.max_workers, max_worker_processes and "
						 "the connection limits of the database and of the tool's role must leave "
						 "room for one.";
			break;
		case FATE_DEADLOCK:
			error.sqlerrcode = ERRCODE_T_R_DEADLOCK_DETECTED;
			error.message = "deadlock detected";
			error.detail = "The call was not started: every worker waits for a lock of a "
						   "transaction that waits for a worker.";
			error.hint = "Commit before you execute calls that need the same rows.";
			break;
		case FATE_GONE:
			error.sqlerrcode = ERRCODE_LOCK_NOT_AVAILABLE;
			error.message = "the proposal was being executed or changed by another session";
			break;
		default:
			error.message = "cancelled before it started";
			error.detail = "The time of the batch was over.";
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

/* The results of all calls, in their order; writes the audit row of the batch. */
Jsonb *
batch_results(Batch *batch)
{
	JsonArray array;

	json_array_begin(&array);
	for (int i = 0; i < batch->ncalls; i++)
	{
		Jsonb *result = result_of(&batch->calls[i]);
		JsonbValue *success = json_find(result, "success");

		CHECK_FOR_INTERRUPTS();
		batch->calls[i].succeeded = success != NULL && success->type == jbvBool &&
									success->val.boolean;
		json_array_add(&array, add_call(result, i, &batch->calls[i]));
	}
	audit_batch(batch);
	return json_array_end(&array);
}
