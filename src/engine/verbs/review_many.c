/*
 * review_many.c
 *	  Decides on many proposals in one call, each by itself.
 *
 * Each decision has a subtransaction of its own: a refused decision leaves the
 * others alone.  An error that ends the caller's statement undoes all of them.
 */
#include "postgres.h"

#include "base/each.h"
#include "base/json.h"
#include "base/refusal.h"
#include "base/subtransaction.h"
#include "engine/tool/result.h"
#include "engine/verbs/review.h"
#include "engine/verbs/review_many.h"

/* One decision, and what it led to. */
typedef struct OneReview
{
	const ReviewRequest *request;
	ProposalStatus status;
	Jsonb *final_tool_call;
} OneReview;

static void
review_one(void *arg)
{
	OneReview *one = arg;

	one->status = review(one->request, &one->final_tool_call);
}

/* The decisions and their results, in memory that lasts. */
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
	OneReview one = {.request = request};
	ErrorData *error;
	JsonObject object;
	Jsonb *result;
	MemoryContext old;

	refusal_note_proposal(request->proposal_id);
	error = subtransaction_try(review_one, &one);
	if (error != NULL && error_ends_statement(error))
		ReThrowError(error);
	json_object_begin(&object);
	json_add_int(&object, "index", index);
	json_add_int(&object, "proposal_id", request->proposal_id);
	json_add_bool(&object, "success", error == NULL);
	if (error != NULL)
		json_add_jsonb(&object, "error", error_build(error));
	else
	{
		json_add_text(&object, "status", enum_label(&proposal_status_type, one.status));
		json_add_jsonb(&object, "final_tool_call", one.final_tool_call);
	}
	result = json_object_end(&object);

	old = MemoryContextSwitchTo(decisions->memory);
	json_array_add(&decisions->results, json_copy(result));
	MemoryContextSwitchTo(old);
}

/*
 * Make the decisions in order: returns an array with the result of each.
 *
 * Locks of decisions that stand are kept until the end of the transaction.
 */
Jsonb *
review_many(const ReviewRequest *requests, int count)
{
	Decisions decisions = {.requests = requests, .memory = CurrentMemoryContext};

	json_array_begin(&decisions.results);
	each_item(count, decide, &decisions);
	return json_array_end(&decisions.results);
}
