/*
 * replay_standing.c
 *	  How often the audit log says that standing approvals were used.
 *
 * Each use has an audit row of the proposal that was approved, and standing_use has
 * their number: whoever lowers it gets more uses than were approved.  A purge takes
 * such audit rows away and leaves the number, which may be higher then.
 */
#include "postgres.h"

#include "engine/audit/replay.h"
#include "engine/audit/replay_standing.h"
#include "miscadmin.h"
#include "store/audit_log.h"
#include "store/standing.h"

/* The uses of one standing approval. */
typedef struct StandingUses
{
	int64 standing_id; /* the key */
	int64 count;
} StandingUses;

void
standing_replay_begin(StandingReplay *replay)
{
	HASHCTL info = {.keysize = sizeof(int64),
					.entrysize = sizeof(StandingUses),
					.hcxt = CurrentMemoryContext};

	replay->uses = hash_create("uses of standing approvals", 64, &info,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	replay->purged = false;
}

/* Whether a row, of which there are many, has an action, without a copy of it. */
static bool
has_action(const StoredRow *row, const char *action)
{
	const struct varlena *value;

	if (column_is_null(row, AUDIT_ACTION))
		return false;
	value = (const struct varlena *) DatumGetPointer(column_datum(row, AUDIT_ACTION));
	return !VARATT_IS_EXTENDED(value) || VARATT_IS_SHORT(value)
			   ? VARSIZE_ANY_EXHDR(value) == strlen(action) &&
					 memcmp(VARDATA_ANY(value), action, strlen(action)) == 0
			   : strcmp(column_text(row, AUDIT_ACTION), action) == 0;
}

/* Count what one row of the log says. */
void
standing_replay_row(StandingReplay *replay, const StoredRow *row)
{
	StandingUses *uses;
	int64 standing_id;
	bool found;

	if (has_action(row, "purge_workflows"))
		replay->purged = true;
	if (!has_action(row, "approve_by_standing") || column_is_null(row, AUDIT_DETAILS))
		return;
	standing_id = replay_int64(column_varlena(row, AUDIT_DETAILS), "standing_id");
	uses = hash_search(replay->uses, &standing_id, HASH_ENTER, &found);
	if (!found)
		uses->count = 0;
	uses->count++;
}

static void
report_use(const Findings *findings, int64 standing_id, const char *column)
{
	finding_add(findings, NULL, NULL, NULL,
				psprintf("column \"%s\" of standing_use " INT64_FORMAT
						 " is not what the audit log says",
						 column, standing_id));
}

/* Whether a standing approval was used so often. */
static bool
was_used(const StandingReplay *replay, int64 standing_id, int64 used)
{
	const StandingUses *uses = hash_search(replay->uses, &standing_id, HASH_FIND, NULL);
	int64 count = uses != NULL ? uses->count : 0;

	return used == count || (replay->purged && used > count);
}

/*
 * Report where standing_use is not what the log says.  The caller reads as of the
 * time as of which it has read the log.
 */
void
standing_replay_compare(StandingReplay *replay, const Findings *findings)
{
	StoreScan scan;
	StoredRow *row;

	store_scan_begin(&scan, STORE_STANDING_APPROVAL, NULL, 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		int64 standing_id = column_int64(row, STANDING_STANDING_ID);
		ScanKeyData key;
		const StoredRow *use;

		CHECK_FOR_INTERRUPTS();
		store_key_int64(&key, STANDING_USE_STANDING_ID, standing_id);
		use = store_fetch(STORE_STANDING_USE, "standing_use_pkey", 1, &key);
		if (use == NULL)
			finding_add(findings, NULL, NULL, NULL,
						psprintf("standing_use " INT64_FORMAT " is missing", standing_id));
		else
		{
			if (!was_used(replay, standing_id, column_int64(use, STANDING_USE_USED)))
				report_use(findings, standing_id, "used");
			if (column_int64(use, STANDING_USE_ACTOR_ID) != column_int64(row, STANDING_ACTOR_ID))
				report_use(findings, standing_id, "actor_id");
		}
	}
	store_scan_end(&scan);
}
