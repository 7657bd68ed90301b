/*
 * review_many.c
 *	  Decides on many proposals in one call, each by itself.
 *
 * Each decision has a subtransaction of its own: one that is refused leaves the
 * others alone.  What ends the caller's statement ends them all.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/each.h"
#include "base/json.h"
#include "engine/tool/result.h"
#include "engine/verbs/review.h"
#include "engine/verbs/review_many.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* Errors that are about the statement and not about one decision. */
static bool
ends_statement(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
		   error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		   error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

/* One decision: NULL, or the error that undid it. */
static ErrorData *
review_one(const ReviewRequest *request, ProposalStatus *status, Jsonb **final_tool_call)
{
	MemoryContext outer_context = CurrentMemoryContext;
	ResourceOwner outer_owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(outer_context);
	PG_TRY();
	{
		*status = review(request, final_tool_call);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(outer_context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer_context);
	CurrentResourceOwner = outer_owner;
	if (error != NULL && ends_statement(error))
		ReThrowError(error);
	return error;
}

/* Decisions, and what became of them in memory that lasts. */
typedef struct Decisions
{
	const ReviewRequest *requests;
	MemoryContext memory;
	JsonArray results;
} Decisions;

static void
decide(int index, void *arg)
{
	Decisions *decisions = arg;
	const ReviewRequest *request = &decisions->requests[index];
	ProposalStatus status = PROPOSAL_PENDING;
	Jsonb *final_tool_call = NULL;
	ErrorData *error = review_one(request, &status, &final_tool_call);
	JsonObject object;
	Jsonb *result;
	MemoryContext old;

	json_object_begin(&object);
	json_add_int(&object, "index", index);
	json_add_int(&object, "proposal_id", request->proposal_id);
	json_add_bool(&object, "success", error == NULL);
	if (error != NULL)
		json_add_jsonb(&object, "error", error_build(error));
	else
	{
		json_add_text(&object, "status", enum_label(&proposal_status_type, status));
		json_add_jsonb(&object, "final_tool_call", final_tool_call);
	}
	result = json_object_end(&object);

	old = MemoryContextSwitchTo(decisions->memory);
	json_array_add(&decisions->results, json_copy(result));
	MemoryContextSwitchTo(old);
}

/*
 * Make the decisions in their order: returns an array with what became of each.
 *
 * Locks of one that stands are kept to the end of the transaction.
 */
Jsonb *
review_many(const ReviewRequest *requests, int count)
{
	Decisions decisions = {.requests = requests, .memory = CurrentMemoryContext};

	json_array_begin(&decisions.results);
	each_item(count, decide, &decisions);
	return json_array_end(&decisions.results);
}
