/*
 * each.c
 *	  Processes many items in the memory of one.
 *
 * Owns the memory context of the loop.  Every call that goes through many
 * proposals, decisions or calls uses it, so that what one item needs is freed
 * before the next one.
 */
#include "postgres.h"

#include "base/each.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/*
 * Call item(index, arg) with each index from 0 to count - 1, in a memory
 * context that is reset after each.  Results that must last go into memory that
 * arg leads to.  Checks for interrupts in between.
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
