/*
 * evidence.c
 *	  What evidence() shows of the tree.
 *
 * Owns what is exported of a leaf: its number, its path, and the bytes that its
 * hash is of, down to those of each group.  So whoever has the file computes all
 * hashes without the database.  sql/evidence.sql puts the rest of the file
 * together.
 */
#include "postgres.h"

#include "base/base64.h"
#include "base/json.h"
#include "engine/audit/evidence.h"
#include "engine/audit/kept.h"
#include "engine/audit/leaf.h"
#include "engine/audit/tree.h"
#include "engine/identity/caller.h"
#include "engine/identity/readable.h"
#include "store/audit_log.h"
#include "store/audit_tile.h"
#include "store/redaction.h"

/* Check that the caller may read the proposal. */
void
evidence_check(int64 proposal_id)
{
	Caller caller;

	caller_identify(&caller);
	(void) readable_proposal(&caller, proposal_id);
}

static void
add_base64(JsonObject *object, const char *key, const StringInfoData *bytes)
{
	json_add_text(object, key, base64_text((const uint8 *) bytes->data, bytes->len));
}

/*
 * Add what the hashes of the groups are of: no bytes if there is no row, and null
 * if only the hash is kept.
 */
static void
add_groups(JsonObject *leaf, const LeafMaker *maker, const LeafKept *kept)
{
	for (int i = 0; i < LEAF_GROUPS; i++)
	{
		const char *name = leaf_group_label((LeafGroup) i);

		if (kept->is_kept[i])
			json_add_jsonb(leaf, name, json_null());
		else if (i == GROUP_ROWS && maker->nrows == 0)
			json_add_text(leaf, name, "");
		else
			add_base64(leaf, name, &maker->groups[i]);
	}
}

/*
 * Return the leaf of a row of the audit log, as it is in the tree of a size; NULL
 * if it is not there.
 */
Jsonb *
evidence_leaf(int64 audit_id, int64 size)
{
	AuditLeaf leaf;
	StoredRow *row;
	LeafMaker maker;
	LeafKept kept;
	JsonObject result;

	if (!audit_leaf_find(audit_id, &leaf) || leaf.leaf_index >= size)
		return NULL;
	row = audit_load(audit_id);
	if (row == NULL)
		return NULL;
	leaf_maker_begin(&maker);
	(void) leaf_make_again(&maker, &leaf, row, &kept);
	json_object_begin(&result);
	json_add_int(&result, "leaf_index", leaf.leaf_index);
	json_add_text(&result, "leaf", base64_text(leaf.hash.bytes, SHA256_LENGTH));
	json_add_jsonb(&result, "path", tree_path(leaf.leaf_index, size));
	add_base64(&result, "entry", &maker.entry);
	add_groups(&result, &maker, &kept);
	leaf_maker_end(&maker);
	return json_object_end(&result);
}
