/*
 * purge.h
 *	  Deletes finished workflows with all their rows.
 */
#ifndef WFO_ENGINE_AUDIT_PURGE_H
#define WFO_ENGINE_AUDIT_PURGE_H

#include "postgres.h"

#include "model/merkle.h"
#include "store/audit_log.h"
#include "store/proposal.h"
#include "store/purge.h"

/* Whether the audit rows of a workflow, and what they tell of, are as they were sealed. */
typedef enum PurgeVerdict
{
	PURGE_AS_SEALED,
	PURGE_NOT_SEALED,
	PURGE_NOT_AS_SEALED
} PurgeVerdict;

/* A workflow that is to be purged, and that nobody else can change any more. */
typedef struct PurgedWorkflow
{
	int64 workflow_id;
	PurgedProposal *proposals;
	int nproposals;
	PurgeVerdict verdict;
} PurgedWorkflow;

/* An audit row that is to be purged. */
typedef struct PurgedRow
{
	int64 audit_id;
	int workflow; /* among those of the batch */
	bool redacts; /* it tells of redactions */
	int64 leaf_index;
	MerkleHash hash;
} PurgedRow;

/* What one transaction purges. */
typedef struct PurgeBatch
{
	PurgedWorkflow *workflows;
	int nworkflows;
	int size; /* of the array of workflows */
	int64 nproposals;
	PurgedRow *rows;
	int nrows;
} PurgeBatch;

extern void purge_check_rows(PurgeBatch *batch);
extern void purge_batch(PurgeBatch *batch, Purge *purge, AuditEntry *entry, const char *reason);
extern void purge_salts(const PurgeBatch *batch);

#endif
