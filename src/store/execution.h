/*
 * execution.h
 *	  The table execution.
 */
#ifndef WFO_STORE_EXECUTION_H
#define WFO_STORE_EXECUTION_H

#include "postgres.h"

#include "model/status.h"
#include "store/table.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

enum
{
	EXECUTION_EXECUTION_ID = 1,
	EXECUTION_PROPOSAL_ID,
	EXECUTION_WORKFLOW_ID,
	EXECUTION_REVISION,
	EXECUTION_ACTOR_ID,
	EXECUTION_STATUS,
	EXECUTION_DRY_RUN,
	EXECUTION_ATTEMPT,
	EXECUTION_QUEUED_AT,
	EXECUTION_STARTED_AT,
	EXECUTION_FINISHED_AT,
	EXECUTION_ENDED_BY,
	EXECUTION_LOGIN,
	EXECUTION_END_REASON,
	EXECUTION_RESULT,
	EXECUTION_PROPOSED_BY,
	EXECUTION_COLUMNS = EXECUTION_PROPOSED_BY
};

typedef struct Execution
{
	int64 execution_id;
	int64 proposal_id;
	int64 proposed_by;
	int64 workflow_id;
	int64 revision;
	const int64 *actor_id; /* NULL: nobody in particular */
	ExecutionStatus status;
	bool dry_run;
	int64 attempt;
	TimestampTz queued_at;  /* 0: it was not queued */
	TimestampTz started_at; /* 0: the tool was not called */
	TimestampTz finished_at;
	const int64 *ended_by; /* who cancelled it, or NULL */
	const char *login;
	const char *end_reason;
	Jsonb *result;
	StoredRow *row;
} Execution;

extern Execution *execution_load(int64 execution_id);
extern Execution *execution_list(int64 proposal_id, int *count);
extern void execution_insert(const Execution *execution);
extern void execution_update(const Execution *execution);

#endif
