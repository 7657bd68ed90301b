/*
 * kept.c
 *	  The hashes of a leaf whose values have been redacted.
 *
 * A redaction drops the values of a group of a leaf together with the group's
 * salt, and keeps the hash.  Whoever computes the leaf again takes that hash in
 * place of the values, but only where the salt is gone: as long as it is there,
 * the values must be there as well.
 */
#include "postgres.h"

#include "engine/audit/kept.h"
#include "store/redaction.h"

/* Whether the salt of a group is gone. */
bool
salt_is_dropped(const LeafSalts *salts, LeafGroup group)
{
	static const uint8 none[SALT_LENGTH] = {0};

	return memcmp(salts->group[group], none, SALT_LENGTH) == 0;
}

static bool
any_salt_is_dropped(const LeafSalts *salts)
{
	for (int group = 0; group < LEAF_GROUPS; group++)
		if (salt_is_dropped(salts, (LeafGroup) group))
			return true;
	return false;
}

/* Read the hashes that take the place of values of a leaf, which most have none of. */
void
leaf_kept_load(const AuditLeaf *leaf, LeafKept *kept)
{
	Redaction redactions[LEAF_GROUPS];
	int count;

	memset(kept, 0, sizeof(LeafKept));
	if (!any_salt_is_dropped(&leaf->salts))
		return;
	count = redaction_list(leaf->audit_id, redactions);
	for (int i = 0; i < count; i++)
	{
		LeafGroup group = redactions[i].group;

		kept->is_kept[group] = salt_is_dropped(&leaf->salts, group);
		kept->hash[group] = redactions[i].hash;
	}
}

/* Make the leaf of a sealed row again, as leaf_make() does, with the hashes that are kept of it. */
MerkleHash
leaf_make_again(LeafMaker *maker, const AuditLeaf *leaf, const StoredRow *row, LeafKept *kept)
{
	leaf_kept_load(leaf, kept);
	return leaf_make(maker, row, leaf->flags, &leaf->salts, kept);
}
