/*
 * workflow.h
 *	  Starts, completes and cancels workflows.
 */
#ifndef WFO_ENGINE_WORKFLOW_H
#define WFO_ENGINE_WORKFLOW_H

#include "postgres.h"

#include "model/status.h"
#include "utils/jsonb.h"

extern int64 workflow_start(const char *title, const int64 *actor_id, bool dry_run,
							Jsonb *metadata);
extern WorkflowStatus workflow_complete(int64 workflow_id, const int64 *actor_id);
extern WorkflowStatus workflow_cancel(int64 workflow_id, const int64 *actor_id, const char *reason);

#endif
