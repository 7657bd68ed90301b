/*
 * wipe.c
 *	  Takes deleted values out of the files of tables.
 *
 * VACUUM removes the old versions of rows and their index entries, but leaves their
 * bytes in the free space of the pages.  VACUUM (FULL) writes the tables anew, and
 * nobody reads them meanwhile.  This fills the free space with zeros instead, page
 * by page, under the lock that any change of a page takes.  Each page that changes is
 * written to the WAL as a whole, without its free space, so that standbys fill theirs
 * with zeros as well.
 *
 * Owns which pages have free space that can be filled: those of tables, of their
 * TOAST tables, and of B-trees.  A page of another index may have its contents where
 * others have free space.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "catalog/pg_am.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "storage/bufmgr.h"
#include "storage/procarray.h"
#include "store/wipe.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/*
 * Run VACUUM (INDEX_CLEANUP ON, ANALYZE) on a table, which commits.  The caller has no
 * transaction.
 */
void
store_vacuum(Oid table)
{
	MemoryContext memory = AllocSetContextCreate(TopMemoryContext, "vacuum",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = PortalContext;
	MemoryContext old = MemoryContextSwitchTo(memory);
	VacuumStmt *stmt = makeNode(VacuumStmt);
	ParseState *pstate = make_parsestate(NULL);

	Assert(!IsTransactionState());
	stmt->is_vacuumcmd = true;
	stmt->options = list_make2(makeDefElem(pstrdup("index_cleanup"),
										   (Node *) makeString(pstrdup("on")), -1),
							   makeDefElem(pstrdup("analyze"), NULL, -1));
	stmt->rels = list_make1(makeVacuumRelation(NULL, table, NIL));
	/* What it needs from one of its transactions to the next is kept there. */
	PortalContext = memory;
	StartTransactionCommand();
	ExecVacuum(pstate, stmt, true);
	CommitTransactionCommand();
	PortalContext = outer;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
}

/* Whether no transaction can see what was deleted before the horizon, in any database. */
bool
store_is_past(TransactionId horizon)
{
	return TransactionIdFollowsOrEquals(GetOldestNonRemovableTransactionId(NULL), horizon);
}

/* The free space of a page; false if there is none. */
static bool
free_space_of(Page page, char **start, Size *length)
{
	PageHeader header = (PageHeader) page;

	if (PageIsNew(page) || header->pd_lower < SizeOfPageHeaderData ||
		header->pd_lower >= header->pd_upper || header->pd_upper > header->pd_special ||
		header->pd_special > BLCKSZ)
		return false;
	*start = (char *) page + header->pd_lower;
	*length = header->pd_upper - header->pd_lower;
	return true;
}

static bool
has_values(Page page)
{
	char *start;
	Size length;

	if (!free_space_of(page, &start, &length))
		return false;
	for (Size i = 0; i < length; i++)
		if (start[i] != 0)
			return true;
	return false;
}

/* Fill the free space of a page that is locked exclusively. */
static void
wipe_page(Relation rel, Buffer buffer)
{
	char *start;
	Size length;

	if (!free_space_of(BufferGetPage(buffer), &start, &length))
		return;
	START_CRIT_SECTION();
	memset(start, 0, length);
	MarkBufferDirty(buffer);
	if (RelationNeedsWAL(rel))
		log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();
}

/* Count the versions of rows on a page of a table that were replaced or deleted before the horizon. */
static int
count_remains(Page page, TransactionId horizon)
{
	OffsetNumber last = PageIsNew(page) ? 0 : PageGetMaxOffsetNumber(page);
	int count = 0;

	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId item = PageGetItemId(page, offset);
		HeapTupleHeader header;
		TransactionId xid;

		if (!ItemIdIsNormal(item))
			continue;
		header = (HeapTupleHeader) PageGetItem(page, item);
		if ((header->t_infomask & HEAP_XMAX_INVALID) != 0 ||
			HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
			continue;
		xid = HeapTupleHeaderGetUpdateXid(header);
		if (TransactionIdIsNormal(xid) && TransactionIdPrecedes(xid, horizon) &&
			TransactionIdDidCommit(xid))
			count++;
	}
	return count;
}

static void
wipe_block(Relation rel, BlockNumber block, BufferAccessStrategy strategy, TransactionId horizon,
		   int64 *remains)
{
	Buffer buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	bool wipes;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	wipes = has_values(BufferGetPage(buffer));
	if (rel->rd_rel->relkind != RELKIND_INDEX)
		*remains += count_remains(BufferGetPage(buffer), horizon);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	if (wipes)
	{
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		wipe_page(rel, buffer);
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	}
	ReleaseBuffer(buffer);
}

/* Wipe a relation; the first page of a B-tree is its own kind of page. */
static void
wipe_relation(Relation rel, TransactionId horizon, int64 *remains)
{
	bool is_index = rel->rd_rel->relkind == RELKIND_INDEX;
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_VACUUM);
	BlockNumber count = RelationGetNumberOfBlocks(rel);

	for (BlockNumber block = is_index ? BTREE_METAPAGE + 1 : 0; block < count; block++)
	{
		CHECK_FOR_INTERRUPTS();
		wipe_block(rel, block, strategy, horizon, remains);
	}
	FreeAccessStrategy(strategy);
}

static void
wipe_with_indexes(Relation rel, TransactionId horizon, int64 *remains)
{
	List *indexes = RelationGetIndexList(rel);
	ListCell *cell;

	wipe_relation(rel, horizon, remains);
	foreach (cell, indexes)
	{
		Relation index = relation_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_rel->relam == BTREE_AM_OID)
			wipe_relation(index, horizon, remains);
		relation_close(index, AccessShareLock);
	}
	list_free(indexes);
}

/*
 * Fill the free space of a table, its TOAST table and their indexes with zeros, after
 * VACUUM.  Returns how many old versions of rows are still there that were deleted
 * before the horizon.  A table that is gone has none.
 */
int64
store_wipe(Oid table, TransactionId horizon)
{
	Relation rel = try_relation_open(table, AccessShareLock);
	int64 remains = 0;

	if (rel == NULL)
		return 0;
	wipe_with_indexes(rel, horizon, &remains);
	if (OidIsValid(rel->rd_rel->reltoastrelid))
	{
		Relation toast = relation_open(rel->rd_rel->reltoastrelid, AccessShareLock);

		wipe_with_indexes(toast, horizon, &remains);
		relation_close(toast, AccessShareLock);
	}
	relation_close(rel, AccessShareLock);
	return remains;
}
