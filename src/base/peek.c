/*
 * peek.c
 *	  Reads something and leaves no lock and no snapshot behind.
 *
 * For processes that wait, perhaps for hours: what they lock when they look
 * would be locked to the end of their transaction, and others would wait for
 * it.  The look is a subtransaction that is rolled back.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/peek.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/*
 * Call look(arg) under a snapshot, in the caller's memory context; an error is
 * raised on.  Locks that the transaction had before stay.
 */
void
peek(PeekFunction look, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		look(arg);
		PopActiveSnapshot();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}
