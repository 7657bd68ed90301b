/*
 * revision.c
 *	  The table proposal_revision.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "store/revision.h"
#include "store/table.h"

const StoreTableInfo revision_table = {
	.name = "proposal_revision",
	.columns = REVISION_COLUMNS,
	.append_only = true,
	.personal = (const StorePersonal[]){{REVISION_PARAMS, REDACTED_TO_EMPTY},
										{REVISION_REASON, REDACTED_TO_TOKEN},
										{0}},
	.identifying = (const StoreIdentifying[]){{REVISION_PERSON, IDENTITY_PERSON},
											  {REVISION_DB_ROLE, IDENTITY_ROLE},
											  {REVISION_LOGIN, IDENTITY_ROLE},
											  {0}},
	.actor_id = REVISION_ACTOR_ID,
	.proposal_id = REVISION_PROPOSAL_ID,
	.proposed_by = REVISION_PROPOSED_BY,
	.purged_by = REVISION_PROPOSAL_ID,
	.purge_index = "proposal_revision_pkey",
	.insert_call = "review_action",
};

/* Return the revision with this number, or NULL. */
Revision *
revision_load(int64 proposal_id, int64 revision)
{
	ScanKeyData keys[2];
	StoredRow *row;
	Revision *result;

	store_key_int64(&keys[0], REVISION_PROPOSAL_ID, proposal_id);
	store_key_int64(&keys[1], REVISION_REVISION, revision);
	row = store_fetch(STORE_PROPOSAL_REVISION, "proposal_revision_pkey", 2, keys);
	if (row == NULL)
		return NULL;

	result = palloc0(sizeof(Revision));
	result->proposal_id = proposal_id;
	result->revision = revision;
	result->author.actor_id = column_int64(row, REVISION_ACTOR_ID);
	result->author.person = column_text(row, REVISION_PERSON);
	result->author.db_role = column_text(row, REVISION_DB_ROLE);
	result->author.login = column_text(row, REVISION_LOGIN);
	if (!column_is_null(row, REVISION_APPROVE_UNTIL))
		result->approve_until = column_int64(row, REVISION_APPROVE_UNTIL);
	result->required_approvals = column_int64(row, REVISION_REQUIRED_APPROVALS);
	result->requirements = column_some_varlena(row, REVISION_REQUIREMENTS);
	result->rule_id = column_int64_or_null(row, REVISION_RULE_ID);
	result->params = column_some_varlena(row, REVISION_PARAMS);
	result->reason = column_text(row, REVISION_REASON);
	result->definition = column_some_varlena(row, REVISION_DEFINITION);
	return result;
}

void
revision_insert(const Revision *revision)
{
	StoreRow row;

	store_row_init(&row, STORE_PROPOSAL_REVISION);
	row_set_int64(&row, REVISION_PROPOSAL_ID, revision->proposal_id);
	row_set_int64(&row, REVISION_PROPOSED_BY, revision->proposed_by);
	row_set_int64(&row, REVISION_REVISION, revision->revision);
	row_set_int64(&row, REVISION_ACTOR_ID, revision->author.actor_id);
	row_set_time(&row, REVISION_CREATED_AT, revision->created_at);
	row_set_time(&row, REVISION_APPROVE_UNTIL, revision->approve_until);
	row_set_int64(&row, REVISION_REQUIRED_APPROVALS, revision->required_approvals);
	row_set_pointer(&row, REVISION_REQUIREMENTS, revision->requirements);
	row_set_id(&row, REVISION_RULE_ID, revision->rule_id);
	row_set_pointer(&row, REVISION_PARAMS, revision->params);
	row_set_text(&row, REVISION_REASON, revision->reason);
	row_set_pointer(&row, REVISION_APPROVAL_TTL, revision->approval_ttl);
	row_set_pointer(&row, REVISION_DEFINITION, revision->definition);
	row_set_text(&row, REVISION_PERSON, revision->author.person);
	row_set_text(&row, REVISION_DB_ROLE, revision->author.db_role);
	row_set_text(&row, REVISION_LOGIN, revision->author.login);
	store_insert(&row);
}
