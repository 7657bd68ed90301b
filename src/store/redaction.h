/*
 * redaction.h
 *	  The table redaction.
 */
#ifndef WFO_STORE_REDACTION_H
#define WFO_STORE_REDACTION_H

#include "postgres.h"

#include "model/merkle.h"
#include "store/audit_tile.h"
#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	REDACTION_AUDIT_ID = 1,
	REDACTION_LEAF_GROUP,
	REDACTION_HASH,
	REDACTION_OBJECT,
	REDACTION_OBJECT_ID,
	REDACTION_REDACTED_AT,
	REDACTION_REDACTED_BY,
	REDACTION_TRAIL,
	REDACTION_VACUUMED_AT,
	REDACTION_COLUMNS = REDACTION_VACUUMED_AT
};

/* What was redacted. */
typedef enum RedactedObject
{
	REDACTED_PROPOSAL,
	REDACTED_ACTOR
} RedactedObject;

/* A group of a leaf whose values are gone, and the hash that stands for them. */
typedef struct Redaction
{
	int64 audit_id;
	LeafGroup group;
	MerkleHash hash;
	RedactedObject object;
	int64 object_id;
	TimestampTz redacted_at;
	const int64 *redacted_by;
	int64 trail;
} Redaction;

/* A proposal or an actor that was redacted. */
typedef struct RedactedObjectId
{
	RedactedObject object;
	int64 object_id;
} RedactedObjectId;

/* Called with each redaction of an object. */
typedef void (*RedactionEach)(void *arg, const Redaction *redaction);

/* Called with the redactions that one audit row tells of. */
typedef void (*RedactionVisit)(void *arg, const Redaction *redactions, int count);

extern void redaction_each_trail(RedactionVisit visit, void *arg);
extern const char *leaf_group_label(LeafGroup group);
extern const char *redacted_object_label(RedactedObject object);
extern void redaction_keep(const Redaction *redaction);
extern void redaction_note_values(int64 audit_id, LeafGroup group);
extern bool redaction_waits_for_vacuum(void);
extern int64 redaction_note_vacuum(TransactionId horizon);
extern void redaction_delete(const Redaction *redaction);
extern RedactedObjectId *redaction_list_objects(int *count);
extern void redaction_each_of(const RedactedObjectId *object, RedactionEach visit, void *arg);
extern void redaction_delete_of_trail(int64 trail);
extern bool redaction_is_of(RedactedObject object, int64 object_id);
extern int redaction_list(int64 audit_id, Redaction *redactions);

#endif
