/*
 * verify_log.c
 *	  Compares the rows of the audit log with their leaves.
 *
 * The log is read once in the order of its ids, beside the leaves, which come
 * nearly in the same order.  Rows that are read before their leaf comes are kept
 * in mind by id, and read again with it.  What is left at the end has no leaf.
 *
 * Owns what a difference is called.  It takes no lock, so a redaction, a purge or a
 * round may come in between: what differs is looked at a second time.
 */
#include "postgres.h"

#include "engine/audit/audit.h"
#include "engine/audit/kept.h"
#include "engine/audit/verify_log.h"
#include "miscadmin.h"
#include "store/audit_log.h"
#include "store/purge.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

static void
read_next(LogCheck *check)
{
	CHECK_FOR_INTERRUPTS();
	check->next = store_scan_next(&check->scan);
}

static const StoredRow *
read_again(LogCheck *check, int64 audit_id)
{
	return store_lookup_row(&check->again, &audit_id);
}

/* Begin a pass, in the current memory context; tree is NULL before the first round. */
LogCheck *
verify_log_begin(const Findings *findings, const AuditTree *tree)
{
	LogCheck *check = palloc0(sizeof(LogCheck));

	check->findings = findings;
	check->settled_id = tree != NULL ? tree->settled_id : 0;
	check->passed = PG_INT64_MIN;
	check->waiting = id_set_create("rows before their leaves");
	store_scan_begin(&check->scan, STORE_AUDIT_LOG, "audit_log_pkey", 0, NULL);
	store_lookup_begin(&check->again, STORE_AUDIT_LOG, "audit_log_pkey", 1);
	leaf_maker_begin(&check->maker);
	told_begin(&check->told);
	setting_replay_begin(&check->settings);
	standing_replay_begin(&check->standings);
	purged_pass_begin(&check->purged);
	read_next(check);
	return check;
}

/* The rows that a leaf is about, in words: "revision 2 of proposal 7", and so on. */
static void
describe_rows(StringInfo text, const LeafMaker *maker)
{
	for (int i = 0; i < maker->nrows; i++)
	{
		const LeafRow *row = &maker->rows[i];

		appendStringInfo(text, "%s%s " INT64_FORMAT, i == 0 ? "" : ", ",
						 store_table_name(row->table), row->keys[0]);
		if (row->nkeys > 1)
			appendStringInfo(text, "/" INT64_FORMAT, row->keys[1]);
		if (row->missing)
			appendStringInfoString(text, " is missing");
	}
}

static void
report_changed_row(const Findings *findings, const StoredRow *row, const LeafMaker *maker)
{
	StringInfoData text;

	initStringInfo(&text);
	if (maker->nrows == 0)
		appendStringInfo(&text, "audit row " INT64_FORMAT " is not what was sealed",
						 column_int64(row, AUDIT_AUDIT_ID));
	else
	{
		appendStringInfo(&text, "audit row " INT64_FORMAT " or one of the rows that it tells of (",
						 column_int64(row, AUDIT_AUDIT_ID));
		describe_rows(&text, maker);
		appendStringInfoString(&text, ") is not what was sealed");
	}
	finding_add_of_row(findings, row, text.data);
}

static bool
is_leaf_of(LeafMaker *maker, const AuditLeaf *leaf, const StoredRow *row)
{
	LeafKept kept;
	MerkleHash hash = leaf_make_again(maker, leaf, row, &kept);

	return memcmp(&hash, &leaf->hash, sizeof(MerkleHash)) == 0;
}

/* A leaf that differed from its row, or had none. */
typedef struct SecondLook
{
	const Findings *findings;
	const AuditLeaf *seen;
} SecondLook;

static void
look_at_once(void *arg)
{
	const SecondLook *look = arg;
	const AuditLeaf *seen = look->seen;
	StoredRow *row = audit_load(seen->audit_id);
	AuditLeaf leaf;
	LeafMaker maker;

	if (row == NULL && leaf_is_purged(seen->leaf_index))
		return;
	if (row == NULL)
	{
		finding_add(look->findings, NULL, NULL, &seen->audit_id,
					psprintf("audit row " INT64_FORMAT ", leaf " INT64_FORMAT
							 " of the tree, is missing",
							 seen->audit_id, seen->leaf_index));
		return;
	}
	if (!audit_leaf_find(seen->audit_id, &leaf) || leaf.leaf_index != seen->leaf_index)
		leaf = *seen;
	leaf_maker_begin(&maker);
	if (!is_leaf_of(&maker, &leaf, row))
		report_changed_row(look->findings, row, &maker);
	leaf_maker_end(&maker);
}

/*
 * Look again at a row that differs from its leaf, or that is missing, as all of it is
 * at one time: redactions and purges change both.
 */
static void
look_again(const Findings *findings, const AuditLeaf *seen)
{
	SecondLook look = {findings, seen};

	store_read_as_of(NULL, look_at_once, &look);
}

static void
check_flags(LogCheck *check, const AuditLeaf *leaf, const StoredRow *row)
{
	if (LEAF_INSERTER(leaf->flags) == LEAF_OF_OTHER)
		finding_add_of_row(check->findings, row,
						   psprintf("audit row " INT64_FORMAT
									" was not inserted by the transaction that it names",
									leaf->audit_id));
	if ((leaf->flags & LEAF_LATE) == 0)
		return;
	if ((leaf->flags & LEAF_EARLIER) != 0)
	{
		check->earlier.count++;
		check->earlier.last_id = Max(check->earlier.last_id, leaf->audit_id);
		check->earlier.last_time = Max(check->earlier.last_time,
									   column_int64(row, AUDIT_OCCURRED_AT));
		return;
	}
	finding_add_of_row(check->findings, row,
					   psprintf("late: audit row " INT64_FORMAT
								" was sealed more than an hour after its time, %s",
								leaf->audit_id,
								timestamptz_to_str(column_int64(row, AUDIT_OCCURRED_AT))));
}

static void
compare_row(LogCheck *check, const AuditLeaf *leaf, const StoredRow *row)
{
	if (!is_leaf_of(&check->maker, leaf, row))
		look_again(check->findings, leaf);
	if (leaf->flags != LEAF_OF_NAMED)
		check_flags(check, leaf, row);
}

/* Go on to the next row.  rows are those that this one tells of, or NULL: they are worked out. */
static void
pass_row(LogCheck *check, const LeafRow *rows, int count)
{
	LeafRow told[LEAF_ROWS_MAX];
	MemoryContext old = MemoryContextSwitchTo(check->maker.row_memory);

	if (rows == NULL)
		count = leaf_told_rows(check->next, told);
	told_add(&check->told, rows != NULL ? rows : told, count);
	setting_replay_row(&check->settings, check->next);
	standing_replay_row(&check->standings, check->next);
	MemoryContextSwitchTo(old);
	MemoryContextReset(check->maker.row_memory);
	check->passed = column_int64(check->next, AUDIT_AUDIT_ID);
	read_next(check);
}

/*
 * Compare the next leaf of the tree with its row.  What it allocates in the current
 * memory context is not needed afterwards.
 */
void
verify_log_leaf(LogCheck *check, const AuditLeaf *leaf)
{
	const StoredRow *row;

	if (leaf->audit_id <= check->passed)
	{
		row = id_set_remove(check->waiting, leaf->audit_id) ? read_again(check, leaf->audit_id)
															: NULL;
		if (row != NULL)
			compare_row(check, leaf, row);
		else if (purged_pass_has(&check->purged, leaf->leaf_index))
			return;
		else if (audit_load(leaf->audit_id) != NULL)
			finding_add(check->findings, NULL, NULL, &leaf->audit_id,
						psprintf("leaf " INT64_FORMAT " of the tree names audit row " INT64_FORMAT
								 ", which is an earlier leaf",
								 leaf->leaf_index, leaf->audit_id));
		else
			look_again(check->findings, leaf);
		return;
	}
	while (check->next != NULL && column_int64(check->next, AUDIT_AUDIT_ID) < leaf->audit_id)
	{
		id_set_add(check->waiting, column_int64(check->next, AUDIT_AUDIT_ID));
		pass_row(check, NULL, 0);
	}
	if (check->next == NULL || column_int64(check->next, AUDIT_AUDIT_ID) != leaf->audit_id)
	{
		check->passed = leaf->audit_id;
		if (!purged_pass_has(&check->purged, leaf->leaf_index))
			look_again(check->findings, leaf);
		return;
	}
	compare_row(check, leaf, check->next);
	pass_row(check, check->maker.rows, check->maker.nrows);
}

/* A row without a leaf waits for the sealer, unless its turn is over. */
static void
check_without_leaf(void *arg, int64 audit_id)
{
	LogCheck *check = arg;
	const StoredRow *row;

	if (audit_id > check->settled_id || check->incomplete)
		return;
	row = read_again(check, audit_id);
	if (row != NULL)
		finding_add_of_row(check->findings, row,
						   psprintf("audit row " INT64_FORMAT
									" was added after its time to be sealed",
									audit_id));
}

/* Compare the tables with the log, as both were when the pass began. */
static void
compare_tables(void *arg)
{
	LogCheck *check = arg;

	told_compare(&check->told, check->findings);
	setting_replay_compare(&check->settings, check->findings);
	standing_replay_compare(&check->standings, check->findings);
}

/* Look at the rows that are left when all leaves have been compared. */
void
verify_log_end(LogCheck *check)
{
	const EarlierRows *earlier = &check->earlier;

	for (; check->next != NULL; pass_row(check, NULL, 0))
		check_without_leaf(check, column_int64(check->next, AUDIT_AUDIT_ID));
	id_set_each(check->waiting, check_without_leaf, check);
	if (earlier->count > 0)
		finding_add_of_tree(check->findings,
							psprintf("unwitnessed: " INT64_FORMAT
									 " rows of the audit log, up to audit row " INT64_FORMAT
									 " of %s, are older than the first seal",
									 earlier->count, earlier->last_id,
									 timestamptz_to_str(earlier->last_time)));
	store_read_as_of(check->scan.snapshot, compare_tables, check);
	leaf_maker_end(&check->maker);
	store_lookup_end(&check->again);
	store_scan_end(&check->scan);
}

/* Compare the sealed rows of one workflow with their leaves. */
void
verify_log_of_workflow(const Findings *findings, int64 workflow_id)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "rows of a workflow",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	int64 after = PG_INT64_MIN;
	StoredRow *rows[AUDIT_PAGE];
	int count;

	do
	{
		LeafMaker maker;
		AuditLeaf leaf;

		CHECK_FOR_INTERRUPTS();
		count = audit_read_page(&workflow_id, after, AUDIT_PAGE, rows);
		leaf_maker_begin(&maker);
		for (int i = 0; i < count; i++)
		{
			after = column_int64(rows[i], AUDIT_AUDIT_ID);
			if (audit_leaf_find(after, &leaf) && !is_leaf_of(&maker, &leaf, rows[i]))
				look_again(findings, &leaf);
		}
		leaf_maker_end(&maker);
		MemoryContextReset(memory);
	} while (count == AUDIT_PAGE);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
}
