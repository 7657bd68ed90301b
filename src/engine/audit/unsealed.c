/*
 * unsealed.c
 *	  Which rows of the audit log are to be sealed.
 *
 * Rows are committed in another order than that of their ids.  The sealer reads
 * upward and keeps the ids that it did not see as gaps, for which it looks again
 * in each round.  A gap is given up when each transaction has ended that could
 * have taken its ids: writers lock the table before they take an id
 * (store_lock_to_write), and keep the lock to their end, prepared ones too.  So a
 * transaction that stays open for hours costs a look at its gaps, and no other
 * row waits for it.
 *
 * Owns the gaps.  They are in this process's memory, and what a process does not
 * know it finds out from the tiles.  Transaction ids are not used: they mean
 * nothing after a restore.
 */
#include "postgres.h"

#include "base/grow.h"
#include "engine/audit/unsealed.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "store/audit_log.h"
#include "store/audit_tile.h"
#include "utils/memutils.h"

/* Ids that were taken, and of which no row was seen. */
typedef struct Gap
{
	int64 first;
	int64 last;
	int64 noticed; /* the round */
} Gap;

/* A transaction that has the table locked for writing. */
typedef struct LogWriter
{
	VirtualTransactionId id;
	int64 since; /* the round in which it was seen first */
} LogWriter;

/* What this process knows; it holds for the tree of this size, seen up to this id. */
static struct
{
	MemoryContext memory;
	Oid database;
	int64 size;
	int64 seen;
	int64 round;
	Gap *gaps;
	int ngaps;
	int gaps_size;
	LogWriter *writers;
	int nwriters;
} known;

/* Gaps that a round leaves, and what it has read. */
typedef struct Round
{
	const UnsealedVisitor *visitor;
	int limit;
	int count; /* rows that were visited */
	Gap *gaps;
	int ngaps;
	int gaps_size;
} Round;

static void
add_gap(Round *round, int64 first, int64 last, int64 noticed)
{
	if (first > last)
		return;
	GROW_ARRAY(round->gaps, round->ngaps, round->gaps_size);
	round->gaps[round->ngaps++] = (Gap){first, last, noticed};
}

/*
 * Visit the rows with ids from first to last, and add what is missing between them
 * to the gaps.  Returns the id up to which it came, which is below last if the
 * limit was reached.
 */
static int64
visit_range(Round *round, int64 first, int64 last, int64 noticed)
{
	ScanKeyData keys[2];
	StoreScan scan;
	StoredRow *row;
	int64 next = first;

	store_key_int64_after(&keys[0], AUDIT_AUDIT_ID, first - 1);
	store_key_int64_upto(&keys[1], AUDIT_AUDIT_ID, last);
	store_scan_begin(&scan, STORE_AUDIT_LOG, "audit_log_pkey", 2, keys);
	round->visitor->begin(round->visitor->arg);
	while (round->count < round->limit && (row = store_scan_next(&scan)) != NULL)
	{
		int64 audit_id = column_int64(row, AUDIT_AUDIT_ID);

		CHECK_FOR_INTERRUPTS();
		add_gap(round, next, audit_id - 1, noticed);
		round->visitor->row(round->visitor->arg, row);
		round->count++;
		next = audit_id + 1;
	}
	round->visitor->end(round->visitor->arg);
	store_scan_end(&scan);
	if (round->count == round->limit)
		return next - 1;
	add_gap(round, next, last, noticed);
	return last;
}

/* The ids of sealed rows, of which the gaps are what lies between. */
typedef struct SealedIds
{
	int64 *ids;
	int count;
	int size;
	int64 after;
	AuditLeaf *leaves;
} SealedIds;

static void
add_sealed(SealedIds *sealed, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (sealed->leaves[i].audit_id <= sealed->after)
			continue;
		GROW_ARRAY(sealed->ids, sealed->count, sealed->size);
		sealed->ids[sealed->count++] = sealed->leaves[i].audit_id;
	}
}

static void
add_sealed_of_tile(void *arg, int64 tile)
{
	SealedIds *sealed = arg;

	if (audit_tile_leaves(tile, sealed->leaves))
		add_sealed(sealed, TILE_SIZE);
}

static int
compare_sealed_ids(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return (left > right) - (left < right);
}

/* Find the gaps from the tree: the ids that are not settled, and not sealed. */
static void
find_gaps(const AuditTree *tree, Round *round)
{
	SealedIds sealed = {.after = tree->settled_id};
	int64 next = tree->settled_id + 1;

	if (tree->settled_id == tree->seen_id)
		return;
	sealed.leaves = palloc(TILE_SIZE * sizeof(AuditLeaf));
	audit_tile_each_above(tree->settled_id, add_sealed_of_tile, &sealed);
	add_sealed(&sealed, audit_leaf_list(sealed.leaves));
	if (sealed.count > 0)
		qsort(sealed.ids, sealed.count, sizeof(int64), compare_sealed_ids);
	for (int i = 0; i < sealed.count; i++)
	{
		add_gap(round, next, sealed.ids[i] - 1, known.round);
		next = sealed.ids[i] + 1;
	}
	add_gap(round, next, tree->seen_id, known.round);
}

/* Replace what is known by the gaps of a round. */
static void
keep_gaps(const Round *round)
{
	known.ngaps = 0;
	if (round->ngaps > known.gaps_size)
	{
		if (known.gaps != NULL)
			pfree(known.gaps);
		known.gaps = MemoryContextAllocHuge(known.memory, round->ngaps * sizeof(Gap));
		known.gaps_size = round->ngaps;
	}
	if (round->ngaps > 0)
		memcpy(known.gaps, round->gaps, round->ngaps * sizeof(Gap));
	known.ngaps = round->ngaps;
}

/* Find out what this process has to know about the tree, unless it does. */
static void
know(const AuditTree *tree)
{
	Round round = {0};

	if (known.memory == NULL)
		known.memory = AllocSetContextCreate(TopMemoryContext, "gaps of the audit log",
											 ALLOCSET_DEFAULT_SIZES);
	if (known.database == MyDatabaseId && known.size == tree->size && known.seen == tree->seen_id)
		return;
	known.database = InvalidOid;
	known.nwriters = 0;
	find_gaps(tree, &round);
	keep_gaps(&round);
}

/* Note the transactions that write to the log now. */
static void
note_writers(void)
{
	LOCKTAG tag;
	int count;
	VirtualTransactionId *ids;
	LogWriter *writers;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, store_table_oid(STORE_AUDIT_LOG));
	ids = GetLockConflicts(&tag, ShareLock, &count);
	writers = MemoryContextAlloc(known.memory, Max(count, 1) * sizeof(LogWriter));
	for (int i = 0; i < count; i++)
	{
		writers[i].id = ids[i];
		writers[i].since = known.round;
		for (int j = 0; j < known.nwriters; j++)
			if (VirtualTransactionIdEquals(ids[i], known.writers[j].id))
				writers[i].since = known.writers[j].since;
	}
	if (known.writers != NULL)
		pfree(known.writers);
	known.writers = writers;
	known.nwriters = count;
}

/* The round from which on a gap may still be filled: that of the oldest writer. */
static int64
oldest_writer(void)
{
	int64 oldest = PG_INT64_MAX;

	for (int i = 0; i < known.nwriters; i++)
		oldest = Min(oldest, known.writers[i].since);
	return oldest;
}

/* Look for the rows of the gaps. Returns whether the limit was reached. */
static bool
visit_gaps(Round *round)
{
	for (int i = 0; i < known.ngaps; i++)
	{
		const Gap *gap = &known.gaps[i];
		int64 done = round->count < round->limit
						 ? visit_range(round, gap->first, gap->last, gap->noticed)
						 : gap->first - 1;

		add_gap(round, done + 1, gap->last, gap->noticed);
	}
	return round->count == round->limit;
}

/* Give up the gaps that nobody can fill any more. */
static void
give_up_gaps(Round *round)
{
	int64 oldest = oldest_writer();
	int kept = 0;

	for (int i = 0; i < round->ngaps; i++)
		if (round->gaps[i].noticed >= oldest)
			round->gaps[kept++] = round->gaps[i];
	round->ngaps = kept;
}

/*
 * Visit the committed rows that are not sealed, up to limit of them, in the order
 * of their ids but for those that come late; and note in the tree up to where.
 * Returns whether there may be more.  The caller holds LOCK_SEAL, and calls
 * unsealed_keep() when it has written the tree.
 */
bool
unsealed_visit(AuditTree *tree, int limit, const UnsealedVisitor *visitor)
{
	Round round = {.visitor = visitor, .limit = limit};
	int64 last;
	bool more;

	known.round++;
	know(tree);
	last = store_last_id(STORE_AUDIT_LOG);
	note_writers();
	more = visit_gaps(&round);
	if (!more)
	{
		tree->seen_id = visit_range(&round, tree->seen_id + 1, Max(last, tree->seen_id),
									known.round);
		more = round.count == round.limit;
		give_up_gaps(&round);
	}
	tree->settled_id = round.ngaps > 0 ? round.gaps[0].first - 1 : tree->seen_id;
	known.database = InvalidOid;
	keep_gaps(&round);
	return more;
}

/* Keep what was found out, for the next round with this tree. */
void
unsealed_keep(const AuditTree *tree)
{
	known.database = MyDatabaseId;
	known.size = tree->size;
	known.seen = tree->seen_id;
}

/* Find the first row with an id from first to last. */
static bool
find_first(int64 first, int64 last, int64 *audit_id, TimestampTz *occurred_at)
{
	ScanKeyData keys[2];
	StoreScan scan;
	StoredRow *row;

	store_key_int64_after(&keys[0], AUDIT_AUDIT_ID, first - 1);
	store_key_int64_upto(&keys[1], AUDIT_AUDIT_ID, last);
	store_scan_begin(&scan, STORE_AUDIT_LOG, "audit_log_pkey", 2, keys);
	row = store_scan_next(&scan);
	if (row != NULL)
	{
		*audit_id = column_int64(row, AUDIT_AUDIT_ID);
		*occurred_at = column_int64(row, AUDIT_OCCURRED_AT);
	}
	store_scan_end(&scan);
	return row != NULL;
}

/* Find the committed row with the lowest id that waits to be sealed; false if there is none. */
bool
unsealed_first(int64 *audit_id, TimestampTz *occurred_at)
{
	const AuditTree *tree = audit_tree_load();
	Round round = {0};

	if (tree == NULL)
		return find_first(1, PG_INT64_MAX, audit_id, occurred_at);
	find_gaps(tree, &round);
	for (int i = 0; i < round.ngaps; i++)
		if (find_first(round.gaps[i].first, round.gaps[i].last, audit_id, occurred_at))
			return true;
	return find_first(tree->seen_id + 1, PG_INT64_MAX, audit_id, occurred_at);
}
