/*
 * workflow.h
 *	  The table workflow.
 */
#ifndef WFO_STORE_WORKFLOW_H
#define WFO_STORE_WORKFLOW_H

#include "postgres.h"

#include "store/table.h"
#include "model/status.h"
#include "utils/jsonb.h"

enum
{
	WORKFLOW_WORKFLOW_ID = 1,
	WORKFLOW_ACTOR_ID,
	WORKFLOW_STATUS,
	WORKFLOW_DRY_RUN,
	WORKFLOW_TITLE,
	WORKFLOW_METADATA,
	WORKFLOW_STARTED_AT,
	WORKFLOW_ENDED_AT,
	WORKFLOW_ENDED_BY,
	WORKFLOW_END_REASON,
	WORKFLOW_COLUMNS = WORKFLOW_END_REASON
};

typedef struct Workflow
{
	int64 workflow_id;
	int64 *actor_id; /* NULL: nobody in particular */
	WorkflowStatus status;
	bool dry_run;
	StoredRow *row;
} Workflow;

extern Workflow *workflow_load(int64 workflow_id);
extern Workflow *workflow_lock(int64 workflow_id);
extern bool workflow_keep(int64 workflow_id);
extern StoreLock workflow_lock_to_purge(int64 workflow_id);
extern void workflow_scan_ended_begin(StoreScan *scan, TimestampTz before);
extern bool workflow_scan_ended_next(StoreScan *scan, int64 *workflow_id);
extern char *workflow_title(const Workflow *workflow);
extern Jsonb *workflow_metadata(const Workflow *workflow);

#endif
