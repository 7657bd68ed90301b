/*
 * record.h
 *	  Writes the audit row of every change.
 */
#ifndef WFO_ENGINE_RECORD_H
#define WFO_ENGINE_RECORD_H

#include "postgres.h"

#include "model/status.h"
#include "utils/rel.h"

extern void record_insert(Relation rel, HeapTuple new);
extern void record_notify_execution(int64 workflow_id, int64 proposal_id, int64 execution_id,
									ExecutionStatus status);
extern void record_update(Relation rel, HeapTuple old, HeapTuple new);

#endif
