/*
 * kept.c
 *	  The hashes of a leaf whose values have been redacted.
 *
 * A redaction drops the values of a group of a leaf together with the group's
 * salt, and keeps the hash.  Whoever computes the leaf again takes that hash in
 * place of the values.
 */
#include "postgres.h"

#include "engine/audit/kept.h"
#include "store/redaction.h"

/*
 * Whether the salt of a group is gone: only then can anything be kept of the
 * leaf, so that others need no look into the table.
 */
bool
salts_have_gaps(const LeafSalts *salts)
{
	static const uint8 none[SALT_LENGTH] = {0};

	for (int group = 0; group < LEAF_GROUPS; group++)
		if (memcmp(salts->group[group], none, SALT_LENGTH) == 0)
			return true;
	return false;
}

/* Read the hashes that are kept of a row of the audit log.  Returns false if there are none. */
bool
redaction_kept(int64 audit_id, LeafKept *kept)
{
	Redaction redactions[LEAF_GROUPS];
	int count = redaction_list(audit_id, redactions);

	memset(kept, 0, sizeof(LeafKept));
	for (int i = 0; i < count; i++)
	{
		kept->is_kept[redactions[i].group] = true;
		kept->hash[redactions[i].group] = redactions[i].hash;
	}
	return count > 0;
}
