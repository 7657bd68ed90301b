/*
 * break_glass.c
 *	  The table break_glass.
 *
 * Owns its descriptor and how a row becomes a struct and back.  It does not know
 * who may read or write a row.
 */
#include "postgres.h"

#include "base/grow.h"
#include "store/break_glass.h"
#include "store/table.h"

const StoreTableInfo break_glass_table = {
	.name = "break_glass",
	.columns = BREAK_GLASS_COLUMNS,
	.fixed = (const AttrNumber[]){BREAK_GLASS_EXECUTION_ID, BREAK_GLASS_PROPOSAL_ID,
								  BREAK_GLASS_PROPOSED_BY, BREAK_GLASS_WORKFLOW_ID,
								  BREAK_GLASS_REVISION, BREAK_GLASS_ACTOR_ID, BREAK_GLASS_BROKEN_AT,
								  BREAK_GLASS_FREEZE_ID, BREAK_GLASS_REASON, BREAK_GLASS_PERSON,
								  BREAK_GLASS_DB_ROLE, BREAK_GLASS_LOGIN, 0},
	.ended_at = BREAK_GLASS_REVIEWED_AT,
	.personal = (const StorePersonal[]){{BREAK_GLASS_REASON, REDACTED_TO_TOKEN},
										{BREAK_GLASS_COMMENT, REDACTED_TO_TOKEN},
										{0}},
	.identifying = (const StoreIdentifying[]){{BREAK_GLASS_PERSON, IDENTITY_PERSON},
											  {BREAK_GLASS_DB_ROLE, IDENTITY_ROLE},
											  {BREAK_GLASS_LOGIN, IDENTITY_ROLE},
											  {0}},
	.actor_id = BREAK_GLASS_ACTOR_ID,
	.workflow_id = BREAK_GLASS_WORKFLOW_ID,
	.proposal_id = BREAK_GLASS_PROPOSAL_ID,
	.execution_id = BREAK_GLASS_EXECUTION_ID,
	.proposed_by = BREAK_GLASS_PROPOSED_BY,
	.purged_by = BREAK_GLASS_PROPOSAL_ID,
	.purge_index = "break_glass_proposal_idx",
	.insert_call = "break_glass_execute",
	.update_call = "review_break_glass",
};

static void
break_glass_read(BreakGlass *broken, const StoredRow *row)
{
	memset(broken, 0, sizeof(BreakGlass));
	broken->execution_id = column_int64(row, BREAK_GLASS_EXECUTION_ID);
	broken->proposal_id = column_int64(row, BREAK_GLASS_PROPOSAL_ID);
	broken->workflow_id = column_int64(row, BREAK_GLASS_WORKFLOW_ID);
	broken->revision = column_int64(row, BREAK_GLASS_REVISION);
	broken->person.actor_id = column_int64(row, BREAK_GLASS_ACTOR_ID);
	broken->person.person = column_text(row, BREAK_GLASS_PERSON);
	broken->person.db_role = column_text(row, BREAK_GLASS_DB_ROLE);
	broken->person.login = column_text(row, BREAK_GLASS_LOGIN);
	broken->broken_at = column_int64(row, BREAK_GLASS_BROKEN_AT);
	broken->freeze_id = column_int64_or_null(row, BREAK_GLASS_FREEZE_ID);
	broken->reason = column_some_text(row, BREAK_GLASS_REASON);
	broken->reviewed = !column_is_null(row, BREAK_GLASS_REVIEWED_AT);
}

static BreakGlass *
break_glass_make(StoredRow *row)
{
	BreakGlass *broken = palloc(sizeof(BreakGlass));

	break_glass_read(broken, row);
	broken->row = row;
	return broken;
}

/* Return the break glass of an execution, or NULL. */
BreakGlass *
break_glass_load(int64 execution_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, BREAK_GLASS_EXECUTION_ID, execution_id);
	row = store_fetch(STORE_BREAK_GLASS, "break_glass_pkey", 1, &key);
	return row != NULL ? break_glass_make(row) : NULL;
}

/* Lock the break glass of an execution for a change.  Waits; returns NULL if there is none. */
BreakGlass *
break_glass_lock(int64 execution_id)
{
	ScanKeyData key;
	StoredRow *row;

	store_key_int64(&key, BREAK_GLASS_EXECUTION_ID, execution_id);
	if (store_lock_row(STORE_BREAK_GLASS, "break_glass_pkey", &key, LockWaitBlock, &row) !=
		STORE_LOCKED)
		return NULL;
	return break_glass_make(row);
}

/* Return those that nobody has reviewed. */
BreakGlass *
break_glass_list_open(int *count)
{
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	BreakGlass *list = NULL;

	*count = 0;
	store_scan_begin(&scan, STORE_BREAK_GLASS, "break_glass_open_idx", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		GROW_ARRAY(list, *count, size);
		break_glass_read(&list[(*count)++], row);
	}
	store_scan_end(&scan);
	return list;
}

/* Whether a workflow has one that nobody has reviewed. */
bool
break_glass_is_open_in(int64 workflow_id)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	bool is_open = false;

	store_key_int64(&key, BREAK_GLASS_WORKFLOW_ID, workflow_id);
	store_scan_begin(&scan, STORE_BREAK_GLASS, "break_glass_workflow_idx", 1, &key);
	while (!is_open && (row = store_scan_next(&scan)) != NULL)
		is_open = column_is_null(row, BREAK_GLASS_REVIEWED_AT);
	store_scan_end(&scan);
	return is_open;
}

void
break_glass_insert(const BreakGlass *broken)
{
	StoreRow row;

	store_row_init(&row, STORE_BREAK_GLASS);
	row_set_int64(&row, BREAK_GLASS_EXECUTION_ID, broken->execution_id);
	row_set_int64(&row, BREAK_GLASS_PROPOSAL_ID, broken->proposal_id);
	row_set_int64(&row, BREAK_GLASS_PROPOSED_BY, broken->proposed_by);
	row_set_int64(&row, BREAK_GLASS_WORKFLOW_ID, broken->workflow_id);
	row_set_int64(&row, BREAK_GLASS_REVISION, broken->revision);
	row_set_int64(&row, BREAK_GLASS_ACTOR_ID, broken->person.actor_id);
	row_set_time(&row, BREAK_GLASS_BROKEN_AT, broken->broken_at);
	row_set_id(&row, BREAK_GLASS_FREEZE_ID, broken->freeze_id);
	row_set_text(&row, BREAK_GLASS_REASON, broken->reason);
	row_set_text(&row, BREAK_GLASS_PERSON, broken->person.person);
	row_set_text(&row, BREAK_GLASS_DB_ROLE, broken->person.db_role);
	row_set_text(&row, BREAK_GLASS_LOGIN, broken->person.login);
	store_insert(&row);
}

/* Write the review of a locked break glass. */
void
break_glass_mark_reviewed(const BreakGlass *broken, int64 reviewer_id, const char *comment)
{
	StoreRow row;

	store_row_init(&row, STORE_BREAK_GLASS);
	row_set_time(&row, BREAK_GLASS_REVIEWED_AT, GetCurrentTimestamp());
	row_set_int64(&row, BREAK_GLASS_REVIEWER_ID, reviewer_id);
	row_set_text(&row, BREAK_GLASS_COMMENT, comment);
	store_update(&row, broken->row);
}
