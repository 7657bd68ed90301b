/*
 * redaction.c
 *	  The table redaction: the hashes of groups of leaves whose values are gone.
 *
 * Owns its descriptor and how a row becomes a struct and back.  What is redacted,
 * and when, is not its business.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "base/grow.h"
#include "miscadmin.h"
#include "store/redaction.h"
#include "utils/memutils.h"

const StoreTableInfo redaction_table = {
	.name = "redaction",
	.columns = REDACTION_COLUMNS,
	.deletes = true,
	.fixed = (const AttrNumber[]){REDACTION_AUDIT_ID, REDACTION_LEAF_GROUP, 0},
	.insert_call = "redact_proposal",
	.update_call = "reapply_redactions",
	.delete_call = "reapply_redactions",
};

static const char *const group_labels[LEAF_GROUPS] = {"who", "what", "rows"};
static const char *const object_labels[] = {"proposal", "actor"};

/* The name of a group of a leaf. */
const char *
leaf_group_label(LeafGroup group)
{
	return group_labels[group];
}

static int
label_number(const char *const *labels, int count, const char *label)
{
	for (int i = 0; i < count; i++)
		if (strcmp(labels[i], label) == 0)
			return i;
	elog(ERROR, "unknown label \"%s\" in table \"redaction\"", label);
}

/* The name of a kind of object that is redacted. */
const char *
redacted_object_label(RedactedObject object)
{
	return object_labels[object];
}

/* The row of a group of a row of the audit log, or NULL. */
static StoredRow *
fetch_redaction(int64 audit_id, LeafGroup group)
{
	ScanKeyData keys[2];

	store_key_int64(&keys[0], REDACTION_AUDIT_ID, audit_id);
	store_key_text(&keys[1], REDACTION_LEAF_GROUP, group_labels[group]);
	return store_fetch(STORE_REDACTION, "redaction_pkey", 2, keys);
}

/*
 * Keep the hash of a group.  If there is a row of the group already, which a restore
 * has undone, it is the same redaction, or one of a row that had the same id.
 */
void
redaction_keep(const Redaction *redaction)
{
	StoredRow *old = fetch_redaction(redaction->audit_id, redaction->group);
	StoreRow row;

	store_row_init(&row, STORE_REDACTION);
	row_set_int64(&row, REDACTION_AUDIT_ID, redaction->audit_id);
	row_set_text(&row, REDACTION_LEAF_GROUP, group_labels[redaction->group]);
	row_set_pointer(&row, REDACTION_HASH, sha256_value(redaction->hash.bytes));
	row_set_text(&row, REDACTION_OBJECT, object_labels[redaction->object]);
	row_set_int64(&row, REDACTION_OBJECT_ID, redaction->object_id);
	row_set_time(&row, REDACTION_REDACTED_AT, redaction->redacted_at);
	row_set_id(&row, REDACTION_REDACTED_BY, redaction->redacted_by);
	row_set_int64(&row, REDACTION_TRAIL, redaction->trail);
	row_set_null(&row, REDACTION_VACUUMED_AT);
	if (old != NULL)
		store_update(&row, old);
	else
		store_insert(&row);
}

/* Note that more values of a group, whose hash is kept already, have been redacted. */
void
redaction_note_values(int64 audit_id, LeafGroup group)
{
	StoredRow *old = fetch_redaction(audit_id, group);
	StoreRow row;

	if (old == NULL)
		return;
	store_row_init(&row, STORE_REDACTION);
	row_set_null(&row, REDACTION_VACUUMED_AT);
	store_update(&row, old);
}

/* Whether there are redacted values that may still be in the files of the tables. */
bool
redaction_waits_for_vacuum(void)
{
	return store_fetch(STORE_REDACTION, "redaction_vacuum_idx", 0, NULL) != NULL;
}

/*
 * Note that the values have left the files that were redacted by transactions before
 * the horizon.  Returns the number of their redactions.
 */
int64
redaction_note_vacuum(TransactionId horizon)
{
	TimestampTz now = GetCurrentTimestamp();
	StoreScan scan;
	const StoredRow *row;
	int64 count = 0;

	store_scan_begin(&scan, STORE_REDACTION, "redaction_vacuum_idx", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		StoreRow vacuumed;

		CHECK_FOR_INTERRUPTS();
		/* Each redaction writes the row, and so it has its transaction. */
		if (TransactionIdFollowsOrEquals(HeapTupleHeaderGetXmin(row->tuple->t_data), horizon))
			continue;
		store_row_init(&vacuumed, STORE_REDACTION);
		row_set_time(&vacuumed, REDACTION_VACUUMED_AT, now);
		store_update(&vacuumed, store_scan_copy(&scan));
		count++;
	}
	store_scan_end(&scan);
	return count;
}

/* Delete a redaction, which nothing rests on. */
void
redaction_delete(const Redaction *redaction)
{
	StoredRow *old = fetch_redaction(redaction->audit_id, redaction->group);

	if (old != NULL)
		store_delete(STORE_REDACTION, old);
}

static void
redaction_read(const StoredRow *row, Redaction *redaction)
{
	redaction->audit_id = column_int64(row, REDACTION_AUDIT_ID);
	redaction->group = (LeafGroup) label_number(group_labels, LEAF_GROUPS,
												column_some_text(row, REDACTION_LEAF_GROUP));
	column_bytes(row, REDACTION_HASH, redaction->hash.bytes, SHA256_LENGTH);
	redaction->object = (RedactedObject) label_number(object_labels, lengthof(object_labels),
													  column_some_text(row, REDACTION_OBJECT));
	redaction->object_id = column_int64(row, REDACTION_OBJECT_ID);
	redaction->redacted_at = column_int64(row, REDACTION_REDACTED_AT);
	redaction->redacted_by = column_int64_or_null(row, REDACTION_REDACTED_BY);
	redaction->trail = column_int64(row, REDACTION_TRAIL);
}

/* Read the redactions of a row of the audit log into an array of LEAF_GROUPS; return their number. */
int
redaction_list(int64 audit_id, Redaction *redactions)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int count = 0;

	store_key_int64(&key, REDACTION_AUDIT_ID, audit_id);
	store_scan_begin(&scan, STORE_REDACTION, "redaction_pkey", 1, &key);
	while (count < LEAF_GROUPS && (row = store_scan_next(&scan)) != NULL)
		redaction_read(row, &redactions[count++]);
	store_scan_end(&scan);
	return count;
}

static int
compare_objects(const void *a, const void *b)
{
	const RedactedObjectId *left = a;
	const RedactedObjectId *right = b;

	if (left->object != right->object)
		return (int) left->object - (int) right->object;
	return (left->object_id > right->object_id) - (left->object_id < right->object_id);
}

/* List what was redacted, each proposal and each actor once. */
RedactedObjectId *
redaction_list_objects(int *count)
{
	RedactedObjectId *list = NULL;
	int size = 0;
	StoreScan scan;
	StoredRow *row;

	*count = 0;
	store_scan_begin(&scan, STORE_REDACTION, "redaction_object_idx", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		RedactedObjectId object;
		Redaction redaction;

		redaction_read(row, &redaction);
		object = (RedactedObjectId){redaction.object, redaction.object_id};
		if (*count > 0 && compare_objects(&list[*count - 1], &object) == 0)
			continue;
		GROW_ARRAY(list, *count, size);
		list[(*count)++] = object;
	}
	store_scan_end(&scan);
	return list;
}

/* Visit the redactions of a proposal or an actor, which visit may change and delete. */
void
redaction_each_of(const RedactedObjectId *object, RedactionEach visit, void *arg)
{
	ScanKeyData keys[2];
	StoreScan scan;
	StoredRow *row;

	store_key_text(&keys[0], REDACTION_OBJECT, object_labels[object->object]);
	store_key_int64(&keys[1], REDACTION_OBJECT_ID, object->object_id);
	store_scan_begin(&scan, STORE_REDACTION, "redaction_object_idx", 2, keys);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		Redaction redaction;

		CHECK_FOR_INTERRUPTS();
		redaction_read(row, &redaction);
		visit(arg, &redaction);
	}
	store_scan_end(&scan);
}

/* Delete the redactions that a row of the audit log tells of. */
void
redaction_delete_of_trail(int64 trail)
{
	ScanKeyData key;
	StoreScan scan;

	store_key_int64(&key, REDACTION_TRAIL, trail);
	store_scan_begin(&scan, STORE_REDACTION, "redaction_trail_idx", 1, &key);
	while (store_scan_next(&scan) != NULL)
		store_delete(STORE_REDACTION, store_scan_copy(&scan));
	store_scan_end(&scan);
}

/* Whether anything of a proposal or an actor has been redacted. */
bool
redaction_is_of(RedactedObject object, int64 object_id)
{
	ScanKeyData keys[2];

	store_key_text(&keys[0], REDACTION_OBJECT, object_labels[object]);
	store_key_int64(&keys[1], REDACTION_OBJECT_ID, object_id);
	return store_fetch(STORE_REDACTION, "redaction_object_idx", 2, keys) != NULL;
}

static int
compare_redactions(const void *a, const void *b)
{
	const Redaction *left = a;
	const Redaction *right = b;

	if (left->audit_id != right->audit_id)
		return left->audit_id < right->audit_id ? -1 : 1;
	return (int) left->group - (int) right->group;
}

/*
 * Visit the redactions of each audit row that tells of some, all at once: in the
 * order of audit_id and group.
 */
void
redaction_each_trail(RedactionVisit visit, void *arg)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "redactions",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Redaction *list = NULL;
	int count = 0;
	int size = 0;
	StoreScan scan;
	StoredRow *row;

	store_scan_begin(&scan, STORE_REDACTION, "redaction_trail_idx", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		if (count > 0 && column_int64(row, REDACTION_TRAIL) != list[0].trail)
		{
			qsort(list, count, sizeof(Redaction), compare_redactions);
			visit(arg, list, count);
			count = 0;
		}
		GROW_ARRAY(list, count, size);
		redaction_read(row, &list[count++]);
	}
	store_scan_end(&scan);
	if (count > 0)
	{
		qsort(list, count, sizeof(Redaction), compare_redactions);
		visit(arg, list, count);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
}
