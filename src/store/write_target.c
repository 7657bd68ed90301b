/*
 * write_target.c
 *	  Opens the extension's tables for writes, and keeps them open.
 *
 * A write needs the table, its indexes, and an executor state with what the executor
 * makes of triggers, constraints and indexes.  A transaction that writes many rows may
 * keep these: store_keep_open().  This file owns what is kept, and whether it is still
 * good; table_write.c writes the rows.
 *
 * What is kept belongs to the transaction, and not to the subtransaction of a write.
 * So a write must leave nothing in it that belongs to a subtransaction: buffers are
 * released with the slots, and slots are not made during a write.  After a write that
 * has failed nothing is known of that, so its target is not used again.  Neither is any
 * after a change of the catalogs.  While a table is kept open, commands of the same
 * session that refuse tables in use, as ALTER TABLE, refuse it.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "base/compat.h"
#include "executor/executor.h"
#include "store/write_target.h"
#include "utils/inval.h"
#include "utils/memutils.h"

/* The tables that are kept open; NULL: none. */
typedef struct KeptTargets
{
	MemoryContext memory; /* it has all of this, and goes with the transaction */
	uint64 changes;       /* store_catalog_changes() when they were opened */
	WriteTarget *targets[STORE_TABLE_COUNT];
	MemoryContextCallback forget;
} KeptTargets;

static KeptTargets *kept = NULL;

static void
open_target(WriteTarget *target, StoreTable table)
{
	memset(target, 0, sizeof(WriteTarget));
	target->rel = store_open(table, RowExclusiveLock);
	target->estate = CreateExecutorState();
	compat_init_range_table(target->estate, target->rel);
	target->result_rel = makeNode(ResultRelInfo);
	InitResultRelInfo(target->result_rel, target->rel, 1, NULL, 0);
	/* The triggers look for it there. */
	target->estate->es_opened_result_relations = list_make1(target->result_rel);
	target->latest = ExecInitExtraTupleSlot(target->estate, RelationGetDescr(target->rel),
											table_slot_callbacks(target->rel));
	target->slot = ExecInitExtraTupleSlot(target->estate, RelationGetDescr(target->rel),
										  table_slot_callbacks(target->rel));
}

static void
close_target(WriteTarget *target)
{
	ExecResetTupleTable(target->estate->es_tupleTable, false);
	ExecCloseResultRelations(target->estate);
	FreeExecutorState(target->estate);
	table_close(target->rel, NoLock);
}

/*
 * Prepare the expressions and conditions of indexes.  The relation cache has them as the
 * planner leaves them, so they need not be planned once more, which the executor would do
 * at each write.
 */
static void
prepare_expressions(const ResultRelInfo *result_rel)
{
	for (int i = 0; i < result_rel->ri_NumIndices; i++)
	{
		IndexInfo *index = result_rel->ri_IndexRelationInfo[i];

		index->ii_ExpressionsState = ExecInitExprList(index->ii_Expressions, NULL);
		index->ii_PredicateState = ExecInitQual(index->ii_Predicate, NULL);
	}
}

/*
 * Open the indexes of a target.  No full page of an index is searched for entries of old
 * versions when a row gets a new one: a row has few versions, most of them of
 * transactions that have ended only now, so such a search finds next to nothing, and
 * comes back with each further entry of the page.
 */
void
write_target_open_indexes(WriteTarget *target)
{
	const ResultRelInfo *result_rel = target->result_rel;
	MemoryContext old;

	if (result_rel->ri_NumIndices > 0)
		return;
	old = MemoryContextSwitchTo(target->estate->es_query_cxt);
	ExecOpenIndices(target->result_rel, false);
	prepare_expressions(result_rel);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < result_rel->ri_NumIndices; i++)
	{
		result_rel->ri_IndexRelationInfo[i]->ii_CheckedUnchanged = true;
		result_rel->ri_IndexRelationInfo[i]->ii_IndexUnchanged = false;
	}
}

/* Open a table for one write, or return it if it is kept open. */
WriteTarget *
write_target_take(StoreTable table)
{
	WriteTarget *target = kept != NULL ? kept->targets[table] : NULL;

	AcceptInvalidationMessages();
	if (target != NULL && !target->busy && kept->changes == store_catalog_changes())
	{
		target->busy = true;
		return target;
	}
	target = palloc(sizeof(WriteTarget));
	open_target(target, table);
	return target;
}

/* End a write that has succeeded. */
void
write_target_release(WriteTarget *target)
{
	ListCell *cell;

	if (!target->kept)
	{
		close_target(target);
		pfree(target);
		return;
	}
	foreach (cell, target->estate->es_tupleTable)
		ExecClearTuple((TupleTableSlot *) lfirst(cell));
	for (int i = 0; i < target->result_rel->ri_NumIndices; i++)
		compat_index_insert_cleanup(target->result_rel->ri_IndexRelationDescs[i],
									target->result_rel->ri_IndexRelationInfo[i]);
	ResetPerTupleExprContext(target->estate);
	target->busy = false;
}

static void
forget_kept(pg_attribute_unused() void *arg)
{
	kept = NULL;
}

/*
 * Keep tables open for the writes that follow, with their indexes, until
 * store_keep_close() or the end of the transaction.  Must not be called in a
 * subtransaction that ends earlier.
 */
void
store_keep_open(const StoreTable *tables, int count)
{
	MemoryContext memory = AllocSetContextCreate(CurTransactionContext, "tables that are kept open",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	KeptTargets *opened = palloc0(sizeof(KeptTargets));

	Assert(kept == NULL);
	opened->memory = memory;
	for (int i = 0; i < count; i++)
	{
		WriteTarget *target = opened->targets[tables[i]] = palloc(sizeof(WriteTarget));

		open_target(target, tables[i]);
		target->kept = true;
		write_target_open_indexes(target);
		(void) ExecGetTriggerOldSlot(target->estate, target->result_rel);
		(void) ExecGetTriggerNewSlot(target->estate, target->result_rel);
	}
	opened->changes = store_catalog_changes();
	opened->forget.func = forget_kept;
	MemoryContextRegisterResetCallback(memory, &opened->forget);
	kept = opened;
	MemoryContextSwitchTo(old);
}

/*
 * Close a target in which a write has failed: the buffers of its slots, and of what its
 * indexes keep between insertions, are released already.
 */
static void
close_failed(WriteTarget *target)
{
	ListCell *cell;

	foreach (cell, target->estate->es_tupleTable)
		ReleaseTupleDesc(((TupleTableSlot *) lfirst(cell))->tts_tupleDescriptor);
	for (int i = 0; i < target->result_rel->ri_NumIndices; i++)
		target->result_rel->ri_IndexRelationInfo[i]->ii_AmCache = NULL;
	ExecCloseResultRelations(target->estate);
	table_close(target->rel, NoLock);
}

/* Close the tables that are kept open, before the transaction ends. */
void
store_keep_close(void)
{
	Assert(kept != NULL);
	for (int i = 0; i < STORE_TABLE_COUNT; i++)
	{
		WriteTarget *target = kept->targets[i];

		if (target != NULL && target->busy)
			close_failed(target);
		else if (target != NULL)
			close_target(target);
	}
	MemoryContextDelete(kept->memory);
}
