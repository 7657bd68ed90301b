/*
 * redact.c
 *	  Redacts groups of sealed leaves.
 *
 * The values of a group go, and so does its salt, without which they cannot be
 * guessed from the hash.  The hash is kept in the table redaction, so that the
 * leaf can be computed as before: the tree, and the proofs that were exported,
 * stay good.  A leaf that is not what was sealed is refused, because nobody could
 * see afterwards that it was changed.
 *
 * Owns which rows a redaction reaches, and its audit row.  Who may redact what, and
 * when, is the business of verbs/redact.c, what becomes of a row that of
 * redact_row.c.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/grow.h"
#include "base/json.h"
#include "engine/audit/kept.h"
#include "engine/audit/redact.h"
#include "engine/audit/redact_row.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"

static int
compare_leaves(const void *a, const void *b)
{
	int64 left = ((const RedactedLeaf *) a)->audit_id;
	int64 right = ((const RedactedLeaf *) b)->audit_id;

	return (left > right) - (left < right);
}

static void
add_leaf(RedactedLeaves *list, int *size, const StoredRow *row, RedactScope scope)
{
	int64 *workflow_id = column_int64_or_null(row, AUDIT_WORKFLOW_ID);
	RedactedLeaf *leaf;

	GROW_ARRAY(list->leaves, list->count, *size);
	leaf = &list->leaves[list->count++];
	memset(leaf, 0, sizeof(RedactedLeaf));
	leaf->audit_id = column_int64(row, AUDIT_AUDIT_ID);
	leaf->workflow_id = workflow_id != NULL ? *workflow_id : 0;
	leaf->scope = scope;
}

static bool
is_known(const RedactedLeaves *list, int known, int64 audit_id)
{
	for (int i = 0; i < known; i++)
		if (list->leaves[i].audit_id == audit_id)
			return true;
	return false;
}

/*
 * Find the rows of the audit log that a redaction of a proposal reaches: its own,
 * except those of redactions, and the others that have the same text of a
 * statement, which is that of their transaction.  Reads the whole log.
 */
void
redact_collect_proposal(int64 proposal_id, RedactedLeaves *leaves)
{
	int count;
	AuditRow *rows = audit_list_of_proposal(proposal_id, &count);
	AuditStatement *statements = palloc(Max(count, 1) * sizeof(AuditStatement));
	int nstatements = 0;
	int size = 0;
	int own;
	int64 *others;

	leaves->leaves = NULL;
	leaves->count = 0;
	for (int i = 0; i < count; i++)
	{
		StoredRow *row = audit_load(rows[i].audit_id);

		if (row == NULL || strcmp(rows[i].action, "redact_proposal") == 0)
			continue;
		add_leaf(leaves, &size, row, REDACT_CONTENT);
		if (column_is_null(row, AUDIT_QUERY))
			continue;
		statements[nstatements].transaction_id = DatumGetUInt64(column_datum(row,
																			 AUDIT_TRANSACTION_ID));
		statements[nstatements].backend_pid = DatumGetInt32(column_datum(row, AUDIT_BACKEND_PID));
		statements[nstatements++].query = column_text(row, AUDIT_QUERY);
	}
	own = leaves->count;
	if (nstatements == 0)
		return;
	others = audit_list_of_statements(statements, nstatements, &count);
	for (int i = 0; i < count; i++)
		if (!is_known(leaves, own, others[i]))
			add_leaf(leaves, &size, audit_load(others[i]), REDACT_STATEMENT);
	qsort(leaves->leaves, leaves->count, sizeof(RedactedLeaf), compare_leaves);
}

/* Say which groups of a leaf have what is to be redacted. */
static void
choose_groups(RedactedLeaf *leaf, const StoredRow *row)
{
	LeafRow told[LEAF_ROWS_MAX];
	int count;

	if (leaf->scope == REDACT_STATEMENT)
	{
		leaf->takes[GROUP_WHAT] = !column_is_null(row, AUDIT_QUERY);
		return;
	}
	leaf->takes[GROUP_WHAT] = log_row_is_personal(row);
	count = leaf_told_rows(row, told);
	for (int i = 0; i < count; i++)
		if (table_is_personal(told[i].table))
			leaf->takes[GROUP_ROWS] = true;
}

static int
count_groups(const RedactedLeaf *leaf)
{
	int count = 0;

	for (int group = 0; group < LEAF_GROUPS; group++)
		count += leaf->takes[group];
	return count;
}

/* Read the leaf of a row, and the hashes of its groups that are to be kept. */
static void
check_leaf(RedactedLeaf *leaf, const StoredRow *row)
{
	LeafMaker maker;
	LeafKept kept;
	MerkleHash hash;

	if (!audit_leaf_find(leaf->audit_id, &leaf->leaf))
		report_wrong_state("wfo_not_sealed",
						   errmsg("audit row " INT64_FORMAT " is not sealed", leaf->audit_id),
						   errdetail("Only what is sealed is redacted."),
						   errhint("Call seal_audit_log(), or wait a second."));
	leaf_maker_begin(&maker);
	hash = leaf_make_again(&maker, &leaf->leaf, row, &kept);
	if (memcmp(&hash, &leaf->leaf.hash, sizeof(MerkleHash)) != 0)
		report_wrong_state("wfo_not_as_sealed",
						   errmsg("audit row " INT64_FORMAT
								  ", or a row that it tells of, is not what was sealed",
								  leaf->audit_id),
						   errdetail("After a redaction nobody could see that it was changed."),
						   errhint("Call verify_audit_log, and find out what happened."));
	for (int group = 0; group < LEAF_GROUPS; group++)
	{
		bool dropped = salt_is_dropped(&leaf->leaf.salts, (LeafGroup) group);

		/* The statement may have gone before, and the details are still there. */
		if (dropped && group != GROUP_WHAT)
			leaf->takes[group] = false;
		leaf->keeps[group] = leaf->takes[group] && !dropped;
		leaf->hashes[group] = leaf_group_hash(&maker, (LeafGroup) group);
	}
	leaf_maker_end(&maker);
}

/*
 * Check that all that is to be redacted is sealed, and as it was sealed: 55000.
 * Returns how many groups have something to be redacted.  The caller keeps rounds
 * out.
 */
int
redact_check_leaves(RedactedLeaves *leaves)
{
	int groups = 0;

	for (int i = 0; i < leaves->count; i++)
	{
		RedactedLeaf *leaf = &leaves->leaves[i];
		StoredRow *row = audit_load(leaf->audit_id);

		CHECK_FOR_INTERRUPTS();
		if (row == NULL)
			elog(ERROR, "audit row " INT64_FORMAT " is gone", leaf->audit_id);
		choose_groups(leaf, row);
		if (count_groups(leaf) > 0)
			check_leaf(leaf, row);
		groups += count_groups(leaf);
	}
	return groups;
}

/*
 * Return the SHA-256, in hex, of what a redaction took: of each group the id of the
 * audit row (8 bytes, the highest first), the number of the group, and its hash.
 * They come in the order of ids and groups.
 */
char *
redactions_sha256(const Redaction *redactions, int count)
{
	Sha256 *sha256 = sha256_create();
	bytea *result = palloc(VARHDRSZ + SHA256_LENGTH);

	sha256_begin(sha256);
	for (int i = 0; i < count; i++)
	{
		uint64 audit_id = pg_hton64((uint64) redactions[i].audit_id);
		uint8 group = (uint8) redactions[i].group;

		sha256_add(sha256, &audit_id, sizeof(audit_id));
		sha256_add(sha256, &group, sizeof(group));
		sha256_add(sha256, redactions[i].hash.bytes, SHA256_LENGTH);
	}
	SET_VARSIZE(result, VARHDRSZ + SHA256_LENGTH);
	sha256_end(sha256, (uint8 *) VARDATA(result));
	sha256_free(sha256);
	return sha256_hex(result);
}

/* List the groups that are redacted, in the order of ids and groups, as copies of a redaction. */
static Redaction *
list_redactions(const RedactedLeaves *leaves, const Redaction *redaction, int *count)
{
	Redaction *list = palloc(Max(leaves->count, 1) * LEAF_GROUPS * sizeof(Redaction));

	*count = 0;
	for (int i = 0; i < leaves->count; i++)
	{
		const RedactedLeaf *leaf = &leaves->leaves[i];

		for (int group = 0; group < LEAF_GROUPS; group++)
		{
			if (!leaf->keeps[group])
				continue;
			list[*count] = *redaction;
			list[*count].audit_id = leaf->audit_id;
			list[*count].group = (LeafGroup) group;
			list[(*count)++].hash = leaf->hashes[group];
		}
	}
	return list;
}

static int
compare_drops(const void *a, const void *b)
{
	int64 left = ((const LeafDrop *) a)->leaf_index;
	int64 right = ((const LeafDrop *) b)->leaf_index;

	return (left > right) - (left < right);
}

static void
drop_salts_of(const RedactedLeaves *leaves)
{
	LeafDrop *drops = palloc0(Max(leaves->count, 1) * sizeof(LeafDrop));
	int count = 0;

	for (int i = 0; i < leaves->count; i++)
	{
		if (count_groups(&leaves->leaves[i]) == 0)
			continue;
		drops[count].leaf_index = leaves->leaves[i].leaf.leaf_index;
		memcpy(drops[count++].drops, leaves->leaves[i].keeps, sizeof(drops->drops));
	}
	qsort(drops, count, sizeof(LeafDrop), compare_drops);
	audit_leaf_drop_salts(drops, count);
}

/* Redact the rows that a row of the audit log tells of. */
static void
redact_told_rows(const StoredRow *row)
{
	LeafRow told[LEAF_ROWS_MAX];
	int count = leaf_told_rows(row, told);

	for (int i = 0; i < count; i++)
	{
		StoredRow *stored = table_is_personal(told[i].table) ? leaf_row_load(&told[i]) : NULL;

		if (stored != NULL)
			redact_row(told[i].table, stored);
	}
}

static void
redact_values(const RedactedLeaf *leaf)
{
	StoredRow *row = audit_load(leaf->audit_id);

	if (leaf->takes[GROUP_ROWS])
		redact_told_rows(row);
	if (!leaf->takes[GROUP_WHAT])
		return;
	if (leaf->scope == REDACT_STATEMENT)
		redact_statement(row);
	else
		redact_row(STORE_AUDIT_LOG, row);
}

/* Check that a leaf is the same as before. */
static void
check_same_leaf(const RedactedLeaf *leaf)
{
	LeafMaker maker;
	LeafKept kept;
	MerkleHash hash;
	AuditLeaf now;

	if (!audit_leaf_find(leaf->audit_id, &now))
		elog(ERROR, "audit row " INT64_FORMAT " has no leaf", leaf->audit_id);
	leaf_maker_begin(&maker);
	hash = leaf_make_again(&maker, &now, audit_load(leaf->audit_id), &kept);
	leaf_maker_end(&maker);
	if (memcmp(&hash, &leaf->leaf.hash, sizeof(MerkleHash)) != 0)
		elog(ERROR, "a redaction changes the leaf of audit row " INT64_FORMAT, leaf->audit_id);
}

/*
 * Redact what redact_check_leaves() has checked, and write the audit row of it:
 * entry without its details.  redaction has what all of its rows have in common.
 */
void
redact_leaves(RedactedLeaves *leaves, AuditEntry *entry, const char *reason,
			  const Redaction *redaction)
{
	int count;
	Redaction *list = list_redactions(leaves, redaction, &count);
	JsonObject details;
	int64 trail;

	json_object_begin(&details);
	json_add_text(&details, "reason", reason);
	json_add_int(&details, "count", count);
	json_add_text(&details, "redacted_sha256", redactions_sha256(list, count));
	entry->details = json_object_end(&details);
	trail = audit_insert(entry);
	for (int i = 0; i < count; i++)
	{
		list[i].trail = trail;
		redaction_insert(&list[i]);
	}
	drop_salts_of(leaves);
	for (int i = 0; i < leaves->count; i++)
		if (count_groups(&leaves->leaves[i]) > 0)
			redact_values(&leaves->leaves[i]);
	for (int i = 0; i < leaves->count; i++)
		if (count_groups(&leaves->leaves[i]) > 0)
			check_same_leaf(&leaves->leaves[i]);
}
