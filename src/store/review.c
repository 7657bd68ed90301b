/*
 * review.c
 *	  The table review.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/review.h"
#include "store/table.h"

const StoreTableInfo review_table = {
	.name = "review",
	.id_sequence = "review_review_id_seq",
	.columns = REVIEW_COLUMNS,
	.append_only = true,
	.personal = (const StorePersonal[]){{REVIEW_COMMENT, REDACTED_TO_NULL},
										{REVIEW_EDITS, REDACTED_TO_NULL},
										{0}},
	.identifying = (const StoreIdentifying[]){{REVIEW_PERSON, IDENTITY_PERSON},
											  {REVIEW_DB_ROLE, IDENTITY_ROLE},
											  {REVIEW_LOGIN, IDENTITY_ROLE},
											  {0}},
	.actor_id = REVIEW_REVIEWER_ID,
	.workflow_id = REVIEW_WORKFLOW_ID,
	.proposal_id = REVIEW_PROPOSAL_ID,
	.proposed_by = REVIEW_PROPOSED_BY,
	.purged_by = REVIEW_PROPOSAL_ID,
	.purge_index = "review_proposal_idx",
	.insert_call = "review_action",
};

void
review_insert(const Review *review)
{
	StoreRow row;

	store_row_init(&row, STORE_REVIEW);
	row_set_int64(&row, REVIEW_REVIEW_ID, store_next_id(STORE_REVIEW));
	row_set_int64(&row, REVIEW_PROPOSAL_ID, review->proposal_id);
	row_set_int64(&row, REVIEW_PROPOSED_BY, review->proposed_by);
	row_set_int64(&row, REVIEW_WORKFLOW_ID, review->workflow_id);
	row_set_int64(&row, REVIEW_REVISION, review->revision);
	row_set_int64(&row, REVIEW_REVIEWER_ID, review->reviewer.actor_id);
	row_set_enum(&row, REVIEW_DECISION, &review_decision_type, review->decision);
	row_set_enum(&row, REVIEW_STATUS, &proposal_status_type, review->status);
	row_set_bool(&row, REVIEW_COUNTS, review->counts);
	row_set_id(&row, REVIEW_STAGE, review->stage != 0 ? &review->stage : NULL);
	row_set_time(&row, REVIEW_REVIEWED_AT, GetCurrentTimestamp());
	row_set_enum(&row, REVIEW_KIND, &actor_kind_type, review->kind);
	row_set_text(&row, REVIEW_ROLE, review->role);
	row_set_id(&row, REVIEW_ON_BEHALF_OF, review->on_behalf_of);
	row_set_text(&row, REVIEW_PERSON, review->reviewer.person);
	row_set_text(&row, REVIEW_DB_ROLE, review->reviewer.db_role);
	row_set_text(&row, REVIEW_LOGIN, review->reviewer.login);
	row_set_text(&row, REVIEW_COMMENT, review->comment);
	row_set_pointer(&row, REVIEW_EDITS, review->edits);
	row_set_id(&row, REVIEW_PREVIEW_ID, review->preview_id);
	row_set_id(&row, REVIEW_MAX_ROWS, review->max_rows);
	row_set_bool(&row, REVIEW_ADMINISTERS, review->administers);
	store_insert(&row);
}

/* Count the reviews of a proposal, in all its revisions. */
int
review_count(int64 proposal_id)
{
	ScanKeyData key;
	StoreScan scan;
	int count = 0;

	store_key_int64(&key, REVIEW_PROPOSAL_ID, proposal_id);
	store_scan_begin(&scan, STORE_REVIEW, "review_proposal_idx", 1, &key);
	while (store_scan_next(&scan) != NULL)
		count++;
	store_scan_end(&scan);
	return count;
}

/* Return the reviews of a scan by proposal_id, of its revisions from the given one on. */
static Review *
list_reviews_from(int64 proposal_id, int64 from, int nkeys, ScanKey keys, int *count)
{
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	Review *reviews = NULL;

	*count = 0;
	store_scan_begin(&scan, STORE_REVIEW, "review_proposal_idx", nkeys, keys);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		int64 revision = column_int64(row, REVIEW_REVISION);
		Review *review;

		if (revision < from)
			continue;
		GROW_ARRAY(reviews, *count, size);
		review = &reviews[(*count)++];
		memset(review, 0, sizeof(Review));
		review->review_id = column_int64(row, REVIEW_REVIEW_ID);
		review->proposal_id = proposal_id;
		review->workflow_id = column_int64(row, REVIEW_WORKFLOW_ID);
		review->revision = revision;
		review->reviewer.actor_id = column_int64(row, REVIEW_REVIEWER_ID);
		review->reviewer.person = column_text(row, REVIEW_PERSON);
		review->reviewer.db_role = column_text(row, REVIEW_DB_ROLE);
		review->reviewer.login = column_text(row, REVIEW_LOGIN);
		review->decision = column_enum(row, REVIEW_DECISION, &review_decision_type);
		review->status = column_enum(row, REVIEW_STATUS, &proposal_status_type);
		review->counts = column_bool(row, REVIEW_COUNTS);
		if (!column_is_null(row, REVIEW_STAGE))
			review->stage = column_int64(row, REVIEW_STAGE);
		review->kind = column_enum(row, REVIEW_KIND, &actor_kind_type);
		review->role = column_some_text(row, REVIEW_ROLE);
		review->on_behalf_of = column_int64_or_null(row, REVIEW_ON_BEHALF_OF);
		review->max_rows = column_int64_or_null(row, REVIEW_MAX_ROWS);
		review->administers = column_bool(row, REVIEW_ADMINISTERS);
	}
	store_scan_end(&scan);
	return reviews;
}

/* All reviews of a revision, without their comments and edits. */
Review *
review_list(int64 proposal_id, int64 revision, int *count)
{
	ScanKeyData keys[2];

	store_key_int64(&keys[0], REVIEW_PROPOSAL_ID, proposal_id);
	store_key_int64(&keys[1], REVIEW_REVISION, revision);
	return list_reviews_from(proposal_id, revision, 2, keys, count);
}

/* The same of all revisions from the given one on. */
Review *
review_list_from(int64 proposal_id, int64 revision, int *count)
{
	ScanKeyData key;

	store_key_int64(&key, REVIEW_PROPOSAL_ID, proposal_id);
	return list_reviews_from(proposal_id, revision, 1, &key, count);
}
