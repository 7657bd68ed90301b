/*
 * row_version.c
 *	  Finds the rows of a table that a subtransaction has changed.
 *
 * It reads the table's pages, since only these have both what a row was and what
 * it is.  While the subtransaction is open, nothing that it wrote or ended can be
 * pruned.  The versions of a row are linked, from what it was before, by t_ctid;
 * so each changed row is found at one place, its first version, and the scan can
 * end at any row.  What an inner rollback has undone bears an id that is no
 * longer current, and is not found.
 *
 * It knows heaps only.  Who may see the rows is not this file's business.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "base/compat.h"
#include "engine/tool/row_version.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"

struct RowScan
{
	Relation rel;
	SubtransactionMark by;
	bool is_new_table; /* the subtransaction has created it */
	BufferAccessStrategy strategy;
	BlockNumber nblocks;
	BlockNumber next_block;
	int nfirst; /* first versions of changed rows on the page before that */
	int next_first;
	OffsetNumber first[MaxHeapTuplesPerPage];
	PGAlignedBlock page; /* copy of that page, if it has any */
};

static bool
subid_is_within(SubTransactionId subid, const SubtransactionMark *by)
{
	return subid != InvalidSubTransactionId && subid >= by->subid;
}

/*
 * Whether the versions of a table's rows tell what the subtransaction has changed.
 *
 * A table that it has rewritten does not have the versions from before.  The
 * server can forget when a table was last rewritten, if that was in this
 * transaction.
 */
bool
row_scan_is_possible(Relation rel, const SubtransactionMark *by)
{
	SubTransactionId last = compat_new_file_subid(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_tableam != GetHeapamTableAmRoutine())
		return false;
	if (last == InvalidSubTransactionId)
		return compat_first_file_subid(rel) == InvalidSubTransactionId;
	return !subid_is_within(last, by);
}

/*
 * Begin to find the rows of an open table that a subtransaction, which must stay
 * open, has changed so far.
 */
RowScan *
row_scan_begin(Relation rel, const SubtransactionMark *by)
{
	RowScan *scan = palloc(sizeof(RowScan));

	Assert(row_scan_is_possible(rel, by));
	scan->rel = rel;
	scan->by = *by;
	scan->is_new_table = subid_is_within(rel->rd_createSubid, by);
	scan->nblocks = RelationGetNumberOfBlocks(rel);
	scan->next_block = 0;
	scan->nfirst = scan->next_first = 0;
	/* Do not let a large table replace what is in shared_buffers: the rule of initscan(). */
	scan->strategy = !RelationUsesLocalBuffers(rel) && scan->nblocks > (BlockNumber) NBuffers / 4
						 ? GetAccessStrategy(BAS_BULKREAD)
						 : NULL;
	return scan;
}

/* Whether the subtransaction has inserted a version.  COPY FREEZE hides who did, in a new table. */
static bool
version_is_made(const RowScan *scan, HeapTupleHeader version)
{
	if (HeapTupleHeaderXminFrozen(version))
		return scan->is_new_table;
	return subtransaction_wrote(&scan->by, HeapTupleHeaderGetRawXmin(version));
}

/*
 * Whether the subtransaction has updated or deleted a version.  The caller holds
 * the page's lock, or has found that the version is made or ended before.
 */
static bool
version_is_ended(const RowScan *scan, HeapTupleHeader version)
{
	if ((version->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(version->t_infomask))
		return false;
	return subtransaction_wrote(&scan->by, HeapTupleHeaderGetUpdateXid(version));
}

/* Whether a version is the first to look at of a row that the subtransaction has changed. */
static bool
version_is_first(const RowScan *scan, HeapTupleHeader version)
{
	if (version_is_made(scan, version))
		return (version->t_infomask & HEAP_UPDATED) == 0;
	return version_is_ended(scan, version);
}

/* Set tuple to the version at an offset of a page; false if there is none. */
static bool
page_get_version(const RowScan *scan, Page page, BlockNumber block, OffsetNumber offset,
				 HeapTuple tuple)
{
	ItemId item;

	if (offset > PageGetMaxOffsetNumber(page))
		return false;
	item = PageGetItemId(page, offset);
	if (!ItemIdIsNormal(item))
		return false;
	tuple->t_data = (HeapTupleHeader) PageGetItem(page, item);
	tuple->t_len = ItemIdGetLength(item);
	tuple->t_tableOid = RelationGetRelid(scan->rel);
	ItemPointerSet(&tuple->t_self, block, offset);
	return true;
}

/* Read the next page: notes the first versions on it, and copies it if it has any. */
static void
scan_page(RowScan *scan)
{
	BlockNumber block = scan->next_block++;
	Buffer buffer = ReadBufferExtended(scan->rel, MAIN_FORKNUM, block, RBM_NORMAL, scan->strategy);
	Page page = BufferGetPage(buffer);
	OffsetNumber last;
	HeapTupleData version;

	scan->nfirst = scan->next_first = 0;
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	last = PageGetMaxOffsetNumber(page);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
		if (page_get_version(scan, page, block, offset, &version) &&
			version_is_first(scan, version.t_data))
			scan->first[scan->nfirst++] = offset;
	if (scan->nfirst > 0)
		memcpy(scan->page.data, page, BLCKSZ);
	UnlockReleaseBuffer(buffer);
}

/* A copy of the version that an update has made of a version, or NULL if the row is gone. */
static HeapTuple
next_version(const RowScan *scan, HeapTuple version)
{
	ItemPointer next = &version->t_data->t_ctid;
	BlockNumber block;
	Buffer buffer;
	HeapTupleData found;
	HeapTuple copy = NULL;

	if (HeapTupleHeaderIndicatesMovedPartitions(version->t_data) ||
		ItemPointerEquals(next, &version->t_self))
		return NULL;
	block = ItemPointerGetBlockNumber(next);
	buffer = ReadBuffer(scan->rel, block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (page_get_version(scan, BufferGetPage(buffer), block, ItemPointerGetOffsetNumber(next),
						 &found) &&
		version_is_made(scan, found.t_data))
		copy = heap_copytuple(&found);
	UnlockReleaseBuffer(buffer);
	if (copy == NULL)
		elog(ERROR, "could not find the next version of row (%u,%u) of table \"%s\"",
			 ItemPointerGetBlockNumber(&version->t_self),
			 ItemPointerGetOffsetNumber(&version->t_self), RelationGetRelationName(scan->rel));
	return copy;
}

/*
 * The version of a row that stands, from its first version on, or NULL if the row
 * is gone.  A row can have had any number of versions in between.
 */
static HeapTuple
last_version(const RowScan *scan, HeapTuple first)
{
	HeapTuple version = first;

	while (version != NULL && version_is_ended(scan, version->t_data))
	{
		HeapTuple next;

		CHECK_FOR_INTERRUPTS();
		next = next_version(scan, version);
		if (version != first)
			heap_freetuple(version);
		version = next;
	}
	return version;
}

/*
 * Find the next changed row; false if there is none.  A row that was inserted and
 * deleted is not changed.  The versions are valid until the next call, in the
 * current memory context.
 */
bool
row_scan_next(RowScan *scan, RowChange *change)
{
	HeapTuple first = palloc(sizeof(HeapTupleData));

	for (;;)
	{
		while (scan->next_first == scan->nfirst)
		{
			CHECK_FOR_INTERRUPTS();
			if (scan->next_block == scan->nblocks)
				return false;
			scan_page(scan);
		}
		(void) page_get_version(scan, scan->page.data, scan->next_block - 1,
								scan->first[scan->next_first++], first);
		change->old = version_is_made(scan, first->t_data) ? NULL : first;
		change->new = last_version(scan, first);
		if (change->old != NULL || change->new != NULL)
			return true;
	}
}

void
row_scan_end(RowScan *scan)
{
	if (scan->strategy != NULL)
		FreeAccessStrategy(scan->strategy);
	pfree(scan);
}
