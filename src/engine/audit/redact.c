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
 * Owns the hashes and salts of a redaction, and its audit rows.  Which rows are
 * reached, and what becomes of them, is the business of redact_content.c; who may
 * redact what, and when, that of verbs/redact.c.
 */
#include "postgres.h"

#include "base/each.h"
#include "base/errors.h"
#include "base/grow.h"
#include "base/json.h"
#include "engine/audit/authority.h"
#include "engine/audit/kept.h"
#include "engine/audit/redact.h"
#include "engine/audit/redact_row.h"
#include "port/pg_bswap.h"

/* Whether an audit row with this action tells of a redaction. */
bool
redaction_is_told_by(const char *action)
{
	return strncmp(action, "redact_", strlen("redact_")) == 0 || strcmp(action, REAPPLY) == 0;
}

static int
compare_by_id(const void *a, const void *b)
{
	int64 left = ((const RedactedLeaf *) a)->audit_id;
	int64 right = ((const RedactedLeaf *) b)->audit_id;

	return (left > right) - (left < right);
}

/* The leaves of a workflow, which share an audit row, stand together in the order of ids. */
static int
compare_by_workflow(const void *a, const void *b)
{
	int64 left = ((const RedactedLeaf *) a)->workflow_id;
	int64 right = ((const RedactedLeaf *) b)->workflow_id;

	return left != right ? (left > right) - (left < right) : compare_by_id(a, b);
}

/* Add a row of the audit log that a redaction reaches, and that is not among them. */
void
redacted_leaves_add(RedactedLeaves *leaves, const StoredRow *log_row, RedactScope scope)
{
	int64 *workflow_id = column_int64_or_null(log_row, AUDIT_WORKFLOW_ID);
	RedactedLeaf *leaf;

	GROW_ARRAY(leaves->leaves, leaves->count, leaves->size);
	leaf = &leaves->leaves[leaves->count++];
	memset(leaf, 0, sizeof(RedactedLeaf));
	leaf->audit_id = column_int64(log_row, AUDIT_AUDIT_ID);
	leaf->workflow_id = workflow_id != NULL ? *workflow_id : 0;
	leaf->scope = scope;
}

/* List the statements of the rows whose details or statement go. */
static AuditStatement *
list_statements(const RedactedLeaves *leaves, int *count)
{
	AuditStatement *statements = NULL;
	int size = 0;

	*count = 0;
	for (int i = 0; i < leaves->count; i++)
	{
		StoredRow *row = leaves->leaves[i].takes[GROUP_WHAT]
							 ? audit_load(leaves->leaves[i].audit_id)
							 : NULL;

		if (row == NULL || column_is_null(row, AUDIT_QUERY))
			continue;
		GROW_ARRAY(statements, *count, size);
		statements[*count].transaction_id = DatumGetUInt64(column_datum(row, AUDIT_TRANSACTION_ID));
		statements[*count].backend_pid = DatumGetInt32(column_datum(row, AUDIT_BACKEND_PID));
		statements[(*count)++].query = column_text(row, AUDIT_QUERY);
	}
	return statements;
}

/*
 * Add the rows that have the same text of a statement as those whose details or
 * statement go: of the same transaction, since a statement may make several calls.
 * Reads the whole log.
 */
void
redacted_leaves_add_statements(RedactedLeaves *leaves)
{
	int count;
	AuditStatement *statements = list_statements(leaves, &count);
	int known = leaves->count;
	int64 *found;

	if (count == 0)
		return;
	found = audit_list_of_statements(statements, count, &count);
	qsort(leaves->leaves, known, sizeof(RedactedLeaf), compare_by_id);
	for (int i = 0; i < count; i++)
	{
		const StoredRow *row = audit_load(found[i]);
		RedactedLeaf key = {.audit_id = found[i]};
		RedactedLeaf *leaf = bsearch(&key, leaves->leaves, known, sizeof(RedactedLeaf),
									 compare_by_id);

		if (leaf != NULL)
			leaf->has_statement = true;
		else if (row != NULL)
			redacted_leaves_add(leaves, row, REDACT_STATEMENT);
	}
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
check_leaf(LeafFinder *finder, RedactedLeaf *leaf, const StoredRow *row)
{
	LeafMaker maker;
	LeafKept kept;
	MerkleHash hash;

	if (!leaf_finder_find(finder, leaf->audit_id, &leaf->leaf))
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
		/* A group may have lost some of its values before, and its salt with them. */
		leaf->keeps[group] = leaf->takes[group] &&
							 !salt_is_dropped(&leaf->leaf.salts, (LeafGroup) group);
		leaf->hashes[group] = leaf_group_hash(&maker, (LeafGroup) group);
	}
	leaf_maker_end(&maker);
}

/* A pass over the leaves. */
typedef struct LeafPass
{
	const Redactor *redactor;
	RedactedLeaves *leaves;
	LeafFinder finder;
	int groups; /* that have something to be redacted */
} LeafPass;

static void
check_one(int index, void *arg)
{
	LeafPass *pass = arg;
	RedactedLeaf *leaf = &pass->leaves->leaves[index];
	StoredRow *row = audit_load(leaf->audit_id);

	if (row == NULL)
		report_busy("wfo_busy",
					errmsg("audit row " INT64_FORMAT " has been purged by another session",
						   leaf->audit_id),
					errhint("Try again."));
	memset(leaf->takes, 0, sizeof(leaf->takes));
	if (leaf->scope == REDACT_ROW)
		pass->redactor->choose(pass->redactor->arg, leaf, row);
	if ((leaf->scope == REDACT_STATEMENT || leaf->has_statement) &&
		!column_is_null(row, AUDIT_QUERY))
		leaf->takes[GROUP_WHAT] = true;
	if (count_groups(leaf) > 0)
		check_leaf(&pass->finder, leaf, row);
	pass->groups += count_groups(leaf);
}

/*
 * Check that all that is to be redacted is sealed, and as it was sealed: 55000.
 * Returns how many groups have something to be redacted.  The caller keeps rounds
 * out.
 */
int
redact_check_leaves(const Redactor *redactor, RedactedLeaves *leaves)
{
	LeafPass pass = {.redactor = redactor, .leaves = leaves};

	leaf_finder_begin(&pass.finder);
	each_item(leaves->count, check_one, &pass);
	leaf_finder_end(&pass.finder);
	return pass.groups;
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
	uint8 result[SHA256_LENGTH];

	sha256_begin(sha256);
	for (int i = 0; i < count; i++)
	{
		uint64 audit_id = pg_hton64((uint64) redactions[i].audit_id);
		uint8 group = (uint8) redactions[i].group;

		sha256_add(sha256, &audit_id, sizeof(audit_id));
		sha256_add(sha256, &group, sizeof(group));
		sha256_add(sha256, redactions[i].hash.bytes, SHA256_LENGTH);
	}
	sha256_end(sha256, result);
	sha256_free(sha256);
	return sha256_hex(sha256_value(result));
}

/*
 * List the groups of leaves of one workflow whose hashes are kept, in the order of
 * ids and groups.
 */
static Redaction *
list_redactions(const RedactedLeaf *leaves, int nleaves, const RedactionAct *act, int *count)
{
	Redaction *list = NULL;
	int size = 0;

	*count = 0;
	for (int i = 0; i < nleaves; i++)
		for (int group = 0; group < LEAF_GROUPS; group++)
		{
			if (!leaves[i].keeps[group])
				continue;
			GROW_ARRAY(list, *count, size);
			list[(*count)++] = (Redaction){.audit_id = leaves[i].audit_id,
										   .group = (LeafGroup) group,
										   .hash = leaves[i].hashes[group],
										   .object = act->object,
										   .object_id = act->object_id,
										   .redacted_at = act->redacted_at,
										   .redacted_by = act->actor_id};
		}
	return list;
}

/*
 * Write the audit row that tells of what is redacted in one workflow, or outside of
 * all, and keep the hashes.  Each workflow has a row of its own, so that what is
 * exported or purged of it is complete.
 */
static void
write_trail(const RedactedLeaf *leaves, int nleaves, int64 workflow_id, const RedactionAct *act)
{
	AuditEntry entry = {.action = act->action,
						.actor_id = act->actor_id,
						.login = act->login,
						.db_role = act->db_role};
	int count;
	Redaction *list = list_redactions(leaves, nleaves, act, &count);
	JsonObject details;
	int64 trail;

	if (workflow_id != 0)
		entry.workflow_id = &workflow_id;
	/* The rows of what the call of a built-in tool changed name the proposal and no workflow. */
	if (act->object == REDACTED_PROPOSAL && (workflow_id == act->workflow_id || workflow_id == 0))
		entry.proposal_id = &act->object_id;
	json_object_begin(&details);
	if (act->object == REDACTED_ACTOR)
		json_add_int(&details, "actor_id", act->object_id);
	if (act->reason != NULL)
		json_add_text(&details, "reason", act->reason);
	json_add_int(&details, "count", count);
	json_add_text(&details, "redacted_sha256", redactions_sha256(list, count));
	if (workflow_id != 0)
		authority_add_to_workflow(&details);
	else
		authority_add(&entry, &details);
	entry.details = json_object_end(&details);
	trail = audit_insert(&entry);
	for (int i = 0; i < count; i++)
	{
		list[i].trail = trail;
		redaction_keep(&list[i]);
	}
	for (int i = 0; i < nleaves; i++)
		for (int group = 0; group < LEAF_GROUPS; group++)
			if (leaves[i].takes[group] && !leaves[i].keeps[group])
				redaction_note_values(leaves[i].audit_id, (LeafGroup) group);
}

/* Write the audit rows, one for each workflow; the one that the redaction is about comes first. */
static void
write_trails(RedactedLeaves *leaves, const RedactionAct *act)
{
	int first = 0;
	int end;
	int own = 0;
	int own_end = 0;

	qsort(leaves->leaves, leaves->count, sizeof(RedactedLeaf), compare_by_workflow);
	while (own < leaves->count && leaves->leaves[own].workflow_id != act->workflow_id)
		own++;
	for (own_end = own; own_end < leaves->count; own_end++)
		if (leaves->leaves[own_end].workflow_id != act->workflow_id)
			break;
	write_trail(&leaves->leaves[own], own_end - own, act->workflow_id, act);
	for (; first < leaves->count; first = end)
	{
		for (end = first + 1; end < leaves->count; end++)
			if (leaves->leaves[end].workflow_id != leaves->leaves[first].workflow_id)
				break;
		if (first != own)
			write_trail(&leaves->leaves[first], end - first, leaves->leaves[first].workflow_id,
						act);
	}
}

static int
compare_drops(const void *a, const void *b)
{
	int64 left = ((const LeafDrop *) a)->leaf_index;
	int64 right = ((const LeafDrop *) b)->leaf_index;

	return (left > right) - (left < right);
}

/* Leave out the leaves that have nothing to be redacted. */
static void
drop_untouched(RedactedLeaves *leaves)
{
	int kept = 0;

	for (int i = 0; i < leaves->count; i++)
		if (count_groups(&leaves->leaves[i]) > 0)
			leaves->leaves[kept++] = leaves->leaves[i];
	leaves->count = kept;
}

static void
drop_salts_of(const RedactedLeaves *leaves)
{
	LeafDrop *drops = NULL;
	int count = 0;
	int size = 0;

	for (int i = 0; i < leaves->count; i++)
	{
		GROW_ARRAY(drops, count, size);
		drops[count].leaf_index = leaves->leaves[i].leaf.leaf_index;
		memcpy(drops[count++].drops, leaves->leaves[i].keeps, sizeof(drops->drops));
	}
	qsort(drops, count, sizeof(LeafDrop), compare_drops);
	audit_leaf_drop_salts(drops, count);
}

static void
redact_one(int index, void *arg)
{
	const LeafPass *pass = arg;
	const RedactedLeaf *leaf = &pass->leaves->leaves[index];
	StoredRow *row = audit_load(leaf->audit_id);

	if (leaf->scope == REDACT_STATEMENT)
		redact_statement(row);
	else
		pass->redactor->redact(pass->redactor->arg, leaf, row);
}

/* Check that a leaf is the same as before. */
static void
check_same_leaf(int index, void *arg)
{
	LeafPass *pass = arg;
	const RedactedLeaf *leaf = &pass->leaves->leaves[index];
	LeafMaker maker;
	LeafKept kept;
	MerkleHash hash;
	AuditLeaf now;

	if (!leaf_finder_find(&pass->finder, leaf->audit_id, &now))
		elog(ERROR, "audit row " INT64_FORMAT " has no leaf", leaf->audit_id);
	leaf_maker_begin(&maker);
	hash = leaf_make_again(&maker, &now, audit_load(leaf->audit_id), &kept);
	leaf_maker_end(&maker);
	if (memcmp(&hash, &leaf->leaf.hash, sizeof(MerkleHash)) != 0)
		elog(ERROR, "a redaction changes the leaf of audit row " INT64_FORMAT, leaf->audit_id);
}

/* Redact what redact_check_leaves() has checked, and write the audit rows of it. */
void
redact_leaves(const Redactor *redactor, RedactedLeaves *leaves, const RedactionAct *act)
{
	LeafPass pass = {.redactor = redactor, .leaves = leaves};

	drop_untouched(leaves);
	write_trails(leaves, act);
	drop_salts_of(leaves);
	each_item(leaves->count, redact_one, &pass);
	leaf_finder_begin(&pass.finder);
	each_item(leaves->count, check_same_leaf, &pass);
	leaf_finder_end(&pass.finder);
}
