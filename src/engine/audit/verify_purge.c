/*
 * verify_purge.c
 *	  Compares the purges with the audit rows that tell of them.
 *
 * A leaf without a row is no finding if the row was purged, so each range of such
 * leaves must come from a purge.  Its audit row, which is sealed as all others and is
 * never purged, has the number and the SHA-256 of the leaves, whose hashes are in the
 * tree.  So nobody can add a range to hide a row that they have deleted.
 */
#include "postgres.h"

#include "base/hash.h"
#include "base/json.h"
#include "engine/audit/replay.h"
#include "engine/audit/verify_purge.h"
#include "miscadmin.h"
#include "store/audit_log.h"
#include "store/audit_tile.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* The ranges of so many leaves are read at once. */
#define LEAVES_AT_ONCE 65536

/* Begin to ask for leaves in the order of their numbers, in the current memory context. */
void
purged_pass_begin(PurgedPass *pass)
{
	memset(pass, 0, sizeof(PurgedPass));
	pass->memory = AllocSetContextCreate(CurrentMemoryContext, "purged leaves",
										 ALLOCSET_DEFAULT_SIZES);
}

static void
read_ranges(PurgedPass *pass, int64 leaf_index)
{
	MemoryContext old = MemoryContextSwitchTo(pass->memory);

	MemoryContextReset(pass->memory);
	pass->ranges = purged_leaves_list(leaf_index, leaf_index + LEAVES_AT_ONCE - 1, &pass->count);
	pass->next = 0;
	pass->upto = leaf_index + LEAVES_AT_ONCE;
	MemoryContextSwitchTo(old);
}

/* Whether the row of a leaf was purged, as far as it was when the pass came near. */
bool
purged_pass_has(PurgedPass *pass, int64 leaf_index)
{
	if (leaf_index >= pass->upto)
		read_ranges(pass, leaf_index);
	while (pass->next < pass->count && pass->ranges[pass->next].last < leaf_index)
		pass->next++;
	return pass->next < pass->count && pass->ranges[pass->next].first <= leaf_index;
}

/* Compute the SHA-256 of the hashes of the leaves of a purge, and count them. */
static MerkleHash
hash_purged_leaves(const Purge *purge, int64 *count)
{
	Sha256 *sha256 = sha256_create();
	MerkleHash hash;
	LeafFinder finder;
	StoreScan scan;
	PurgedLeaves range;
	AuditLeaf leaf;

	*count = 0;
	sha256_begin(sha256);
	leaf_finder_begin(&finder);
	purged_leaves_scan_begin(&scan, &purge->purge_id);
	while (purged_leaves_scan_next(&scan, &range))
		for (int64 i = range.first; i <= range.last && leaf_finder_read(&finder, i, &leaf); i++)
		{
			CHECK_FOR_INTERRUPTS();
			sha256_add(sha256, leaf.hash.bytes, SHA256_LENGTH);
			(*count)++;
		}
	store_scan_end(&scan);
	leaf_finder_end(&finder);
	sha256_end(sha256, hash.bytes);
	sha256_free(sha256);
	return hash;
}

static bool
detail_is_int(Jsonb *details, const char *key, int64 expected)
{
	JsonbValue *value = json_find(details, key);
	int64 number;

	return value != NULL && json_value_int64(value, &number) && number == expected;
}

static bool
detail_is_hash(Jsonb *details, const char *key, const MerkleHash *expected)
{
	JsonbValue *value = json_find(details, key);
	char *hex = sha256_hex(sha256_value(expected->bytes));

	return value != NULL && value->type == jbvString &&
		   value->val.string.len == (int) strlen(hex) &&
		   memcmp(value->val.string.val, hex, value->val.string.len) == 0;
}

/* Whether the row of a purge says what the details of its audit row say. */
static bool
purge_is_as_told(const StoredRow *row, const Purge *purge)
{
	Jsonb *details = column_varlena(row, AUDIT_DETAILS);
	TimestampTz occurred_at = column_int64(row, AUDIT_OCCURRED_AT);
	JsonbValue *workflows = json_find(details, "workflows");

	/* A redaction of the statement may have taken the ids. */
	if (workflows != NULL && (workflows->type != jbvBinary ||
							  JsonContainerSize(workflows->val.binary.data) != purge->workflows))
		return false;
	return replay_is_of_call(purge->purged_at, occurred_at) &&
		   replay_is_time(details, "ended_before", purge->ended_before) &&
		   detail_is_int(details, "proposals", purge->proposals) &&
		   detail_is_int(details, "count", purge->leaves) &&
		   detail_is_hash(details, "leaves_sha256", &purge->leaves_sha256) &&
		   replay_is_same_id(column_int64_or_null(row, AUDIT_ACTOR_ID), purge->purged_by);
}

/* Whether a row of the audit log tells of a purge of these leaves and no others. */
static bool
row_tells_of(const StoredRow *row, const Purge *purge, int64 count, const MerkleHash *hash)
{
	Jsonb *details = column_varlena(row, AUDIT_DETAILS);
	const char *action = column_text(row, AUDIT_ACTION);

	return action != NULL && strcmp(action, "purge_workflows") == 0 &&
		   detail_is_int(details, "purge_id", purge->purge_id) &&
		   detail_is_int(details, "count", count) &&
		   detail_is_hash(details, "leaves_sha256", hash) && purge_is_as_told(row, purge);
}

static void
verify_purge(const Findings *findings, const Purge *purge)
{
	const StoredRow *row = audit_load(purge->trail);
	int64 count;
	MerkleHash hash = hash_purged_leaves(purge, &count);

	if (row == NULL || !row_tells_of(row, purge, count, &hash))
		finding_add(findings, NULL, NULL, &purge->trail,
					psprintf("audit row " INT64_FORMAT " does not tell of purge " INT64_FORMAT
							 ", or of other leaves",
							 purge->trail, purge->purge_id));
}

/* Report the ranges whose purge does not exist. */
static void
find_without_purge(const Findings *findings)
{
	StoreScan scan;
	PurgedLeaves range;
	int64 known = 0; /* the purge of the last range */
	bool exists = false;

	purged_leaves_scan_begin(&scan, NULL);
	while (purged_leaves_scan_next(&scan, &range))
	{
		CHECK_FOR_INTERRUPTS();
		if (range.purge_id != known)
			exists = purge_load(range.purge_id) != NULL;
		known = range.purge_id;
		if (!exists)
			finding_add_of_tree(
				findings, psprintf("leaves " INT64_FORMAT " to " INT64_FORMAT
								   " of the tree are marked as purged, and purge " INT64_FORMAT
								   " does not exist",
								   range.first, range.last, range.purge_id));
	}
	store_scan_end(&scan);
}

void
verify_purges(const Findings *findings)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "purge",
												 ALLOCSET_DEFAULT_SIZES);
	int count;
	Purge *purges = purge_list(&count);
	MemoryContext old = MemoryContextSwitchTo(memory);

	for (int i = 0; i < count; i++)
	{
		verify_purge(findings, &purges[i]);
		MemoryContextReset(memory);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	find_without_purge(findings);
}
