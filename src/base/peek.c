/*
 * peek.c
 *	  Reads something without keeping a lock or a snapshot.
 *
 * Processes that wait, perhaps for hours, use this to look at tables: locks
 * that they took would last to the end of their transaction, and others would
 * wait for them.  Owns the subtransaction in which they look, which is rolled
 * back.
 */
#include "postgres.h"

#include "base/peek.h"
#include "base/subtransaction.h"
#include "utils/snapmgr.h"

/* What to look at. */
typedef struct PeekedLook
{
	PeekFunction look;
	void *arg;
} PeekedLook;

static void
look_under_snapshot(void *arg)
{
	const PeekedLook *look = arg;

	PushActiveSnapshot(GetTransactionSnapshot());
	look->look(look->arg);
	PopActiveSnapshot();
}

/*
 * Call look(arg) under a snapshot, in the caller's memory context, and raise
 * its error again.  Locks that the transaction held before stay.
 */
void
peek(PeekFunction look, void *arg)
{
	ErrorData *error = subtransaction_undo(look_under_snapshot, &(PeekedLook){look, arg});

	if (error != NULL)
		ReThrowError(error);
}
