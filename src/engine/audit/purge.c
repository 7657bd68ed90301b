/*
 * purge.c
 *	  Deletes finished workflows with all their rows.
 *
 * The leaves of their audit rows stay in the tree, without salts, so that roots and
 * proofs are good as before, and nobody can guess what the rows said.  An audit row
 * tells of the purge: it names the workflows and the leaves, and has the SHA-256 of
 * the hashes of these leaves, so nobody can add to them later.
 *
 * Only what is as it was sealed is purged, since afterwards nobody could see that it
 * was changed.  Owns that check, the purge's audit row and what is deleted.  Which
 * workflows are purged, and when, is the business of verbs/purge.c.
 */
#include "postgres.h"

#include "base/each.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/audit/audit.h"
#include "engine/audit/authority.h"
#include "engine/audit/kept.h"
#include "engine/audit/purge.h"
#include "engine/audit/redact.h"
#include "miscadmin.h"
#include "store/audit_tile.h"
#include "store/purge_rows.h"
#include "store/redaction.h"
#include "utils/memutils.h"

/* The rows of a workflow, as they are listed */

/* Add the audit rows of a workflow to the batch; size is that of the array. */
static void
list_rows(PurgeBatch *batch, int *size, int workflow, MemoryContext memory)
{
	int64 after = PG_INT64_MIN;
	StoredRow *rows[AUDIT_PAGE];
	int count;

	do
	{
		MemoryContext old = MemoryContextSwitchTo(memory);

		CHECK_FOR_INTERRUPTS();
		count = audit_read_page(&batch->workflows[workflow].workflow_id, after, AUDIT_PAGE, rows);
		MemoryContextSwitchTo(old);
		for (int i = 0; i < count; i++)
		{
			PurgedRow *row;

			GROW_ARRAY(batch->rows, batch->nrows, *size);
			row = &batch->rows[batch->nrows++];
			row->audit_id = after = column_int64(rows[i], AUDIT_AUDIT_ID);
			row->workflow = workflow;
			MemoryContextSwitchTo(memory);
			row->redacts = redaction_is_told_by(column_text(rows[i], AUDIT_ACTION));
			MemoryContextSwitchTo(old);
		}
		MemoryContextReset(memory);
	} while (count == AUDIT_PAGE);
}

static int
compare_audit_ids_of_rows(const void *a, const void *b)
{
	int64 left = ((const PurgedRow *) a)->audit_id;
	int64 right = ((const PurgedRow *) b)->audit_id;

	return (left > right) - (left < right);
}

static int
compare_leaves_of_rows(const void *a, const void *b)
{
	int64 left = ((const PurgedRow *) a)->leaf_index;
	int64 right = ((const PurgedRow *) b)->leaf_index;

	return (left > right) - (left < right);
}

/* Whether they are as they were sealed */

typedef struct RowCheck
{
	PurgeBatch *batch;
	LeafFinder finder;
	LeafMaker maker;
} RowCheck;

static PurgeVerdict
verdict_on_row(RowCheck *check, PurgedRow *row)
{
	StoredRow *stored = audit_load(row->audit_id);
	AuditLeaf leaf;
	LeafKept kept;
	MerkleHash hash;

	if (stored == NULL || !leaf_finder_find(&check->finder, row->audit_id, &leaf))
		return PURGE_NOT_SEALED;
	row->leaf_index = leaf.leaf_index;
	row->hash = leaf.hash;
	hash = leaf_make_again(&check->maker, &leaf, stored, &kept);
	return memcmp(&hash, &leaf.hash, sizeof(MerkleHash)) == 0 ? PURGE_AS_SEALED
															  : PURGE_NOT_AS_SEALED;
}

static void
check_row(int index, void *arg)
{
	RowCheck *check = arg;
	PurgedRow *row = &check->batch->rows[index];
	PurgedWorkflow *workflow = &check->batch->workflows[row->workflow];

	if (workflow->verdict == PURGE_AS_SEALED)
		workflow->verdict = verdict_on_row(check, row);
}

/*
 * List the audit rows of a batch, and say of each workflow whether all of them are as
 * they were sealed.  The rows are read in the order of their ids, in which their
 * leaves come as well, nearly.
 */
void
purge_check_rows(PurgeBatch *batch)
{
	RowCheck check = {.batch = batch};
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "audit rows to purge",
												 ALLOCSET_DEFAULT_SIZES);
	int size = 0;

	batch->rows = NULL;
	batch->nrows = 0;
	for (int i = 0; i < batch->nworkflows; i++)
	{
		int before = batch->nrows;

		list_rows(batch, &size, i, memory);
		if (batch->nrows == before)
			batch->workflows[i].verdict = PURGE_NOT_SEALED;
	}
	qsort(batch->rows, batch->nrows, sizeof(PurgedRow), compare_audit_ids_of_rows);
	leaf_finder_begin(&check.finder);
	leaf_maker_begin(&check.maker);
	each_item(batch->nrows, check_row, &check);
	leaf_maker_end(&check.maker);
	leaf_finder_end(&check.finder);
	MemoryContextDelete(memory);
}

/* What stays of them */

/* Leave out the workflows, and their rows, that are not as they were sealed. */
static void
keep_as_sealed(PurgeBatch *batch)
{
	int kept = 0;

	batch->nproposals = 0;
	for (int i = 0; i < batch->nrows; i++)
		if (batch->workflows[batch->rows[i].workflow].verdict == PURGE_AS_SEALED)
			batch->rows[kept++] = batch->rows[i];
	batch->nrows = kept;
	kept = 0;
	for (int i = 0; i < batch->nworkflows; i++)
	{
		if (batch->workflows[i].verdict != PURGE_AS_SEALED)
			continue;
		batch->workflows[kept] = batch->workflows[i];
		batch->nproposals += batch->workflows[kept++].nproposals;
	}
	batch->nworkflows = kept;
}

static Jsonb *
list_workflow_ids(const PurgeBatch *batch)
{
	JsonArray ids;

	json_array_begin(&ids);
	for (int i = 0; i < batch->nworkflows; i++)
		json_array_add_int(&ids, batch->workflows[i].workflow_id);
	return json_array_end(&ids);
}

/* Return the ranges of the leaves, which are in order. */
static PurgedLeaves *
list_ranges(const PurgeBatch *batch, int64 purge_id, int *count)
{
	PurgedLeaves *ranges = NULL;
	int size = 0;

	*count = 0;
	for (int i = 0; i < batch->nrows; i++)
	{
		int64 leaf_index = batch->rows[i].leaf_index;

		if (*count > 0 && ranges[*count - 1].last == leaf_index - 1)
		{
			ranges[*count - 1].last = leaf_index;
			continue;
		}
		GROW_ARRAY(ranges, *count, size);
		ranges[(*count)++] = (PurgedLeaves){leaf_index, leaf_index, purge_id};
	}
	return ranges;
}

static Jsonb *
describe_ranges(const PurgedLeaves *ranges, int count)
{
	JsonArray list;

	json_array_begin(&list);
	for (int i = 0; i < count; i++)
	{
		JsonArray range;

		json_array_begin(&range);
		json_array_add_int(&range, ranges[i].first);
		json_array_add_int(&range, ranges[i].last);
		json_array_add(&list, json_array_end(&range));
	}
	return json_array_end(&list);
}

/* Return the SHA-256 of the hashes of the leaves, which are in order. */
static MerkleHash
hash_leaves(const PurgeBatch *batch)
{
	Sha256 *sha256 = sha256_create();
	MerkleHash hash;

	sha256_begin(sha256);
	for (int i = 0; i < batch->nrows; i++)
		sha256_add(sha256, batch->rows[i].hash.bytes, SHA256_LENGTH);
	sha256_end(sha256, hash.bytes);
	sha256_free(sha256);
	return hash;
}

/* Deleting */

/* Delete an audit row, and if it tells of redactions their rows, which are all of its workflow. */
static void
delete_audit_row(int index, void *arg)
{
	const PurgedRow *purged = &((const PurgeBatch *) arg)->rows[index];
	StoredRow *row = audit_load(purged->audit_id);

	if (row != NULL)
		store_delete(STORE_AUDIT_LOG, row);
	if (purged->redacts)
		redaction_delete_of_trail(purged->audit_id);
}

typedef struct WorkflowDelete
{
	const PurgeBatch *batch;
	const PurgedWorkflow *workflow;
	int64 purge_id;
} WorkflowDelete;

static void
delete_proposal(int index, void *arg)
{
	const WorkflowDelete *delete = arg;
	const PurgedProposal *proposal = &delete->workflow->proposals[index];

	if (proposal->idempotency_key != NULL)
		purged_key_insert(proposal->actor_id, proposal->idempotency_key, delete->purge_id);
	purge_rows_of_proposal(proposal->proposal_id);
}

static void
delete_workflow(int index, void *arg)
{
	WorkflowDelete *delete = arg;

	delete->workflow = &delete->batch->workflows[index];
	each_item(delete->workflow->nproposals, delete_proposal, delete);
	purge_rows_of_workflow(delete->workflow->workflow_id);
}

/* Write the audit row of a purge: entry without its details. */
static int64
write_purge_trail(const PurgeBatch *batch, const Purge *purge, AuditEntry *entry,
				  const char *reason)
{
	int count;
	PurgedLeaves *ranges = list_ranges(batch, purge->purge_id, &count);
	JsonObject details;

	json_object_begin(&details);
	json_add_int(&details, "purge_id", purge->purge_id);
	json_add_text(&details, "reason", reason);
	json_add_time(&details, "ended_before", purge->ended_before);
	json_add_int(&details, "proposals", purge->proposals);
	json_add_jsonb(&details, "workflows", list_workflow_ids(batch));
	json_add_int(&details, "count", purge->leaves);
	json_add_jsonb(&details, "leaves", describe_ranges(ranges, count));
	json_add_text(&details, "leaves_sha256", sha256_hex(sha256_value(purge->leaves_sha256.bytes)));
	authority_add(entry, &details);
	entry->details = json_object_end(&details);
	for (int i = 0; i < count; i++)
		purged_leaves_insert(&ranges[i]);
	return audit_insert(entry);
}

/*
 * Delete what of a batch is as it was sealed, and write the audit row of that: entry
 * without its details.  purge has its time, its actor and ended_before; the rest is
 * filled in, and nothing is written if nothing is left of the batch.  The salts of the
 * leaves are the business of purge_salts().
 */
void
purge_batch(PurgeBatch *batch, Purge *purge, AuditEntry *entry, const char *reason)
{
	WorkflowDelete delete = {.batch = batch};

	keep_as_sealed(batch);
	if (batch->nworkflows == 0)
		return;
	qsort(batch->rows, batch->nrows, sizeof(PurgedRow), compare_leaves_of_rows);
	purge->purge_id = delete.purge_id = store_next_id(STORE_AUDIT_PURGE);
	purge->workflows = batch->nworkflows;
	purge->proposals = batch->nproposals;
	purge->leaves = batch->nrows;
	purge->leaves_sha256 = hash_leaves(batch);
	each_item(batch->nrows, delete_audit_row, batch);
	purge->trail = write_purge_trail(batch, purge, entry, reason);
	purge_insert(purge);
	each_item(batch->nworkflows, delete_workflow, &delete);
}

/* Drop the salts of what was purged.  The caller keeps rounds and redactions out. */
void
purge_salts(const PurgeBatch *batch)
{
	LeafDrop *drops = NULL;
	int size = 0;
	int count = 0;

	while (count < batch->nrows)
	{
		GROW_ARRAY(drops, count, size);
		drops[count].leaf_index = batch->rows[count].leaf_index;
		memset(drops[count++].drops, true, sizeof(drops->drops));
	}
	audit_leaf_drop_salts(drops, count);
}
