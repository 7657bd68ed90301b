/*
 * redact.h
 *	  Redacts groups of sealed leaves.
 */
#ifndef WFO_ENGINE_REDACT_H
#define WFO_ENGINE_REDACT_H

#include "postgres.h"

#include "model/merkle.h"
#include "store/audit_log.h"
#include "store/audit_tile.h"
#include "store/redaction.h"

/* The call that repeats redactions after a restore, and the action of its audit rows. */
#define REAPPLY "reapply_redactions"

/* What of a row of the audit log is redacted. */
typedef enum RedactScope
{
	REDACT_ROW,      /* what the redaction is about, there and in the rows that it tells of */
	REDACT_STATEMENT /* the text of the client's statement */
} RedactScope;

/* A row of the audit log, and the groups of its leaf that are to be redacted. */
typedef struct RedactedLeaf
{
	int64 audit_id;
	int64 workflow_id; /* 0: none */
	RedactScope scope;
	bool has_statement; /* the text of its statement goes, whatever else does */
	AuditLeaf leaf;
	bool takes[LEAF_GROUPS];        /* whose values go */
	bool keeps[LEAF_GROUPS];        /* whose hash is kept from now on */
	MerkleHash hashes[LEAF_GROUPS]; /* of those */
} RedactedLeaf;

typedef struct RedactedLeaves
{
	RedactedLeaf *leaves;
	int count;
	int size;
} RedactedLeaves;

/* What a kind of redaction does to the rows that it reaches. */
typedef struct Redactor
{
	/* Say in leaf->takes which groups have values that go: of a leaf with REDACT_ROW. */
	void (*choose)(void *arg, RedactedLeaf *leaf, const StoredRow *log_row);
	/* Take these values out of the row of the audit log, and of those that it tells of. */
	void (*redact)(void *arg, const RedactedLeaf *leaf, StoredRow *log_row);
	void *arg;
} Redactor;

/* A redaction, as its audit rows tell of it. */
typedef struct RedactionAct
{
	const char *action;
	const int64 *actor_id; /* NULL: nobody in particular */
	Oid login;
	Oid db_role;
	const char *reason;      /* NULL: none is known */
	RedactedObject object;   /* what is redacted */
	int64 object_id;         /* its id */
	int64 workflow_id;       /* of the proposal that is redacted; 0: none */
	TimestampTz redacted_at; /* when it was */
} RedactionAct;

extern void redacted_leaves_add(RedactedLeaves *leaves, const StoredRow *log_row,
								RedactScope scope);
extern void redacted_leaves_add_statements(RedactedLeaves *leaves);
extern int redact_check_leaves(const Redactor *redactor, RedactedLeaves *leaves);
extern void redact_leaves(const Redactor *redactor, RedactedLeaves *leaves,
						  const RedactionAct *act);
extern bool redaction_is_told_by(const char *action);
extern char *redactions_sha256(const Redaction *redactions, int count);

#endif
