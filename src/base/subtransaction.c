/*
 * subtransaction.c
 *	  Runs something that may fail, in a subtransaction.
 *
 * It owns the frame that catches an error and goes on: the subtransaction, the
 * copy of the error, and the memory context and resource owner of the caller,
 * which are current again afterwards.  It also tells what a subtransaction wrote, and has
 * the one list of the errors that nobody may catch so.  What runs in the frame and what an error means is
 * for the caller to know.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "base/subtransaction.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

typedef enum Outcome
{
	OUTCOME_KEPT,  /* unless there is an error */
	OUTCOME_UNDONE /* whether or not there is an error */
} Outcome;

/*
 * The function runs in the caller's memory context, so what it allocates there
 * stays, and so does the error that is returned.
 */
static ErrorData *
run_in_subtransaction(SubtransactionFunction function, void *arg, Outcome outcome)
{
	MemoryContext outer_context = CurrentMemoryContext;
	ResourceOwner outer_owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	Assert(IsTransactionState());
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(outer_context);
	PG_TRY();
	{
		function(arg);
		if (outcome == OUTCOME_KEPT)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
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
	return error;
}

/* Run function(arg): returns NULL, or the error that undid what it did. */
ErrorData *
subtransaction_try(SubtransactionFunction function, void *arg)
{
	return run_in_subtransaction(function, arg, OUTCOME_KEPT);
}

/* Run function(arg) and undo what it did: returns NULL, or the error that ended it. */
ErrorData *
subtransaction_undo(SubtransactionFunction function, void *arg)
{
	return run_in_subtransaction(function, arg, OUTCOME_UNDONE);
}

/* The mark of the current subtransaction, with all that it has written so far. */
SubtransactionMark
subtransaction_mark(void)
{
	return (SubtransactionMark){.subid = GetCurrentSubTransactionId(),
								.xid = GetCurrentTransactionIdIfAny()};
}

/*
 * Whether an id is that of a marked subtransaction that is still open, or of one
 * within it that was not rolled back.  Those within it got their ids after it,
 * and all others that are part of the transaction got theirs before.
 */
bool
subtransaction_wrote(const SubtransactionMark *mark, TransactionId xid)
{
	return TransactionIdIsNormal(mark->xid) && TransactionIdIsNormal(xid) &&
		   TransactionIdFollowsOrEquals(xid, mark->xid) && TransactionIdIsCurrentTransactionId(xid);
}

/* Whether an error is a conflict with another transaction, which ends the caller's statement. */
bool
error_is_conflict(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		   error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

/*
 * Whether an error is about the caller's statement, and not about the part of it
 * that ran into the error.  Whoever catches such an error must raise it again.
 */
bool
error_ends_statement(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_QUERY_CANCELED || error_is_conflict(error);
}
