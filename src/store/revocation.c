/*
 * revocation.c
 *	  The table revocation.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/revocation.h"
#include "store/table.h"

const StoreTableInfo revocation_table = {
	.name = "revocation",
	.columns = REVOCATION_COLUMNS,
	.append_only = true,
	.personal = (const StorePersonal[]){{REVOCATION_REASON, REDACTED_TO_NULL}, {0}},
	.workflow_id = REVOCATION_WORKFLOW_ID,
	.proposal_id = REVOCATION_PROPOSAL_ID,
	.proposed_by = REVOCATION_PROPOSED_BY,
	.purged_by = REVOCATION_PROPOSAL_ID,
	.purge_index = "revocation_proposal_idx",
	.insert_call = "revoke_approval",
};

void
revocation_insert(const Revocation *revocation)
{
	StoreRow row;

	store_row_init(&row, STORE_REVOCATION);
	row_set_int64(&row, REVOCATION_REVIEW_ID, revocation->review_id);
	row_set_int64(&row, REVOCATION_PROPOSAL_ID, revocation->proposal_id);
	row_set_int64(&row, REVOCATION_PROPOSED_BY, revocation->proposed_by);
	row_set_int64(&row, REVOCATION_WORKFLOW_ID, revocation->workflow_id);
	row_set_int64(&row, REVOCATION_REVISION, revocation->revision);
	row_set_id(&row, REVOCATION_FOLLOWS, revocation->follows);
	row_set_int64(&row, REVOCATION_ACTOR_ID, revocation->actor_id);
	row_set_enum(&row, REVOCATION_STATUS, &proposal_status_type, revocation->status);
	row_set_time(&row, REVOCATION_REVOKED_AT, GetCurrentTimestamp());
	row_set_text(&row, REVOCATION_REASON, revocation->reason);
	store_insert(&row);
}

static int64 *
list_reviews(int nkeys, ScanKey keys, int *count)
{
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	int64 *ids = NULL;

	*count = 0;
	store_scan_begin(&scan, STORE_REVOCATION, "revocation_proposal_idx", nkeys, keys);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		GROW_ARRAY(ids, *count, size);
		ids[(*count)++] = column_int64(row, REVOCATION_REVIEW_ID);
	}
	store_scan_end(&scan);
	return ids;
}

/* Return the ids of the reviews of a revision that are revoked. */
int64 *
revocation_list(int64 proposal_id, int64 revision, int *count)
{
	ScanKeyData keys[2];

	store_key_int64(&keys[0], REVOCATION_PROPOSAL_ID, proposal_id);
	store_key_int64(&keys[1], REVOCATION_REVISION, revision);
	return list_reviews(2, keys, count);
}

/* Return the same of all revisions of a proposal. */
int64 *
revocation_list_all(int64 proposal_id, int *count)
{
	ScanKeyData key;

	store_key_int64(&key, REVOCATION_PROPOSAL_ID, proposal_id);
	return list_reviews(1, &key, count);
}

/* Count the revoked reviews of a proposal, in all its revisions. */
int
revocation_count(int64 proposal_id)
{
	int count;

	(void) revocation_list_all(proposal_id, &count);
	return count;
}
