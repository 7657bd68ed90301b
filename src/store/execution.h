/*
 * execution.h
 *	  The table execution.
 */
#ifndef WFO_STORE_EXECUTION_H
#define WFO_STORE_EXECUTION_H

#include "postgres.h"

#include "model/status.h"
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
	EXECUTION_STARTED_AT,
	EXECUTION_FINISHED_AT,
	EXECUTION_RESULT,
	EXECUTION_COLUMNS = EXECUTION_RESULT
};

typedef struct Execution
{
	int64 execution_id;
	int64 proposal_id;
	int64 workflow_id;
	int64 revision;
	const int64 *actor_id; /* NULL: nobody in particular */
	ExecutionStatus status;
	bool dry_run;
	int64 attempt;
	TimestampTz started_at;
	TimestampTz finished_at;
	Jsonb *result;
} Execution;

extern Execution *execution_list(int64 proposal_id, int *count);
extern void execution_insert(const Execution *execution);

#endif
