/*
 * review_many.c
 *	  Decides on many proposals in one call, each by itself.
 *
 * Each decision has a subtransaction of its own: one that is refused leaves the
 * others alone.  What ends the caller's statement ends them all.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/json.h"
#include "engine/result.h"
#include "engine/verbs.h"
#include "miscadmin.h"
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

/*
 * Make the decisions in their order: returns an array with what became of each.
 *
 * Locks of one that stands are kept to the end of the transaction.
 */
Jsonb *
review_many(const ReviewRequest *requests, int count)
{
	JsonArray results;

	json_array_begin(&results);
	for (int i = 0; i < count; i++)
	{
		ProposalStatus status = PROPOSAL_PENDING;
		Jsonb *final_tool_call = NULL;
		ErrorData *error;
		JsonObject object;

		CHECK_FOR_INTERRUPTS();
		error = review_one(&requests[i], &status, &final_tool_call);
		json_object_begin(&object);
		json_add_int(&object, "index", i);
		json_add_int(&object, "proposal_id", requests[i].proposal_id);
		json_add_bool(&object, "success", error == NULL);
		if (error != NULL)
			json_add_jsonb(&object, "error", error_build(error));
		else
		{
			json_add_text(&object, "status", enum_label(&proposal_status_type, status));
			json_add_jsonb(&object, "final_tool_call", final_tool_call);
		}
		json_array_add(&results, json_object_end(&object));
	}
	return json_array_end(&results);
}
