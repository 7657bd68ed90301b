/*
 * verify_log.h
 *	  Compares the rows of the audit log with their leaves.
 */
#ifndef WFO_ENGINE_VERIFY_LOG_H
#define WFO_ENGINE_VERIFY_LOG_H

#include "postgres.h"

#include "base/id_set.h"
#include "engine/audit/finding.h"
#include "engine/audit/leaf.h"
#include "engine/audit/replay_setting.h"
#include "engine/audit/replay_standing.h"
#include "engine/audit/told.h"
#include "engine/audit/verify_purge.h"
#include "store/audit_tile.h"
#include "store/audit_tree.h"

/* Rows that were there before the first round, and late for that. */
typedef struct EarlierRows
{
	int64 count;
	int64 last_id;
	TimestampTz last_time;
} EarlierRows;

/* A pass through the log beside the leaves: see verify_log_begin(). */
typedef struct LogCheck
{
	const Findings *findings;
	int64 settled_id;
	bool incomplete;   /* leaves are missing, so rows without one are no findings */
	StoreScan scan;    /* of the log, in the order of its ids */
	StoredRow *next;   /* NULL after the last row */
	int64 passed;      /* the rows up to this id were read */
	IdSet *waiting;    /* rows that were read, and whose leaf has not come yet */
	StoreLookup again; /* reads such rows */
	PurgedPass purged; /* the leaves whose rows are gone */
	LeafMaker maker;
	ToldRows told; /* by the rows that were read */
	SettingReplay settings;
	StandingReplay standings;
	EarlierRows earlier;
} LogCheck;

extern LogCheck *verify_log_begin(const Findings *findings, const AuditTree *tree);
extern void verify_log_leaf(LogCheck *check, const AuditLeaf *leaf);
extern void verify_log_end(LogCheck *check);
extern void verify_log_of_workflow(const Findings *findings, int64 workflow_id);

#endif
