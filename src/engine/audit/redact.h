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

/* What of a row of the audit log is redacted. */
typedef enum RedactScope
{
	REDACT_CONTENT,  /* all that people wrote, there and in the rows that it tells of */
	REDACT_STATEMENT /* the text of the client's statement */
} RedactScope;

/* A row of the audit log, and the groups of its leaf that are to be redacted. */
typedef struct RedactedLeaf
{
	int64 audit_id;
	int64 workflow_id; /* 0: none */
	RedactScope scope;
	AuditLeaf leaf;
	bool takes[LEAF_GROUPS];        /* whose values go */
	bool keeps[LEAF_GROUPS];        /* whose hash is kept from now on */
	MerkleHash hashes[LEAF_GROUPS]; /* of those */
} RedactedLeaf;

/* In the order of audit_id. */
typedef struct RedactedLeaves
{
	RedactedLeaf *leaves;
	int count;
} RedactedLeaves;

extern void redact_collect_proposal(int64 proposal_id, RedactedLeaves *leaves);
extern int redact_check_leaves(RedactedLeaves *leaves);
extern void redact_leaves(RedactedLeaves *leaves, AuditEntry *entry, const char *reason,
						  const Redaction *redaction);
extern char *redactions_sha256(const Redaction *redactions, int count);

#endif
