/*
 * each.c
 *	  Does something for many items in the memory of one.
 *
 * Every call that goes through proposals, decisions or calls goes through here:
 * what it needs for one of them must not stay until it has come to the last.
 */
#include "postgres.h"

#include "base/each.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/*
 * Call item(index, arg) with each index from 0 to count - 1, in a memory context
 * that is emptied after each.  What is to last goes into memory that arg leads
 * to.  Heeds cancels in between.
 */
void
each_item(int count, EachItem item, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "workflow_orch item",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		item(i, arg);
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
