/*
 * waiting.c
 *	  Redactions that an older backup has undone.
 *
 * After a restore the values and salts of what was redacted since are there again,
 * and the table redaction, which comes from elsewhere, has rows that nothing rests
 * on: they wait.  What they are about is known by the hash, since a salt is part of
 * it: a row that has come to the same id later has another one.
 */
#include "postgres.h"

#include "engine/audit/kept.h"
#include "engine/audit/waiting.h"
#include "store/audit_log.h"
#include "utils/memutils.h"

/* Whether the values of a group, or at least its salt, are still there, or the row is not. */
static bool
is_waiting(const Redaction *redaction, AuditLeaf *leaf)
{
	return !audit_leaf_find(redaction->audit_id, leaf) ||
		   !salt_is_dropped(&leaf->salts, redaction->group);
}

/* A look at the redactions of an object. */
typedef struct WaitingSearch
{
	MemoryContext memory; /* reset after each */
	int waiting;
	bool fits; /* one of those that wait has the hash of its row */
} WaitingSearch;

static bool
has_hash_of_row(const Redaction *redaction, const AuditLeaf *leaf)
{
	const StoredRow *row = audit_load(redaction->audit_id);
	LeafMaker maker;
	LeafKept kept;
	MerkleHash hash;

	if (row == NULL)
		return false;
	leaf_maker_begin(&maker);
	(void) leaf_make_again(&maker, leaf, row, &kept);
	hash = leaf_group_hash(&maker, redaction->group);
	leaf_maker_end(&maker);
	return memcmp(&hash, &redaction->hash, sizeof(MerkleHash)) == 0;
}

static void
look_at_redaction(void *arg, const Redaction *redaction)
{
	WaitingSearch *search = arg;
	MemoryContext old = MemoryContextSwitchTo(search->memory);
	AuditLeaf leaf = {.leaf_index = -1};

	if (is_waiting(redaction, &leaf))
	{
		search->waiting++;
		if (!search->fits && leaf.leaf_index >= 0)
			search->fits = has_hash_of_row(redaction, &leaf);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(search->memory);
}

static void
search_waiting(const RedactedObjectId *object, WaitingSearch *search)
{
	memset(search, 0, sizeof(WaitingSearch));
	search->memory = AllocSetContextCreate(CurrentMemoryContext, "redaction that waits",
										   ALLOCSET_DEFAULT_SIZES);
	redaction_each_of(object, look_at_redaction, search);
	MemoryContextDelete(search->memory);
}

/* List the proposals and actors of which redactions wait. */
RedactedObjectId *
redactions_list_waiting(int *count)
{
	int all;
	RedactedObjectId *objects = redaction_list_objects(&all);

	*count = 0;
	for (int i = 0; i < all; i++)
	{
		WaitingSearch search;

		search_waiting(&objects[i], &search);
		if (search.waiting > 0)
			objects[(*count)++] = objects[i];
	}
	return objects;
}

/* Whether a redaction of the object that waits is about a row that is there. */
bool
redactions_fit(const RedactedObjectId *object)
{
	WaitingSearch search;

	search_waiting(object, &search);
	return search.fits;
}

static void
drop_if_waiting(pg_attribute_unused() void *arg, const Redaction *redaction)
{
	AuditLeaf leaf;

	if (is_waiting(redaction, &leaf))
		redaction_delete(redaction);
}

/* Delete the redactions of the object that still wait: they are about rows that are not there. */
void
redactions_drop_waiting(const RedactedObjectId *object)
{
	redaction_each_of(object, drop_if_waiting, NULL);
}
