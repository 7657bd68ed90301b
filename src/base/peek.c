/*
 * peek.c
 *	  Reads something and leaves no lock and no snapshot behind.
 *
 * For processes that wait, perhaps for hours: what they lock when they look
 * would be locked to the end of their transaction, and others would wait for
 * it.  The look is a subtransaction that is rolled back.
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
 * Call look(arg) under a snapshot, in the caller's memory context; an error is
 * raised on.  Locks that the transaction had before stay.
 */
void
peek(PeekFunction look, void *arg)
{
	ErrorData *error = subtransaction_undo(look_under_snapshot, &(PeekedLook){look, arg});

	if (error != NULL)
		ReThrowError(error);
}
