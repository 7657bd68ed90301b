/*
 * readable.h
 *	  Proposals and workflows for callers who may read only their own.
 */
#ifndef WFO_ENGINE_READABLE_H
#define WFO_ENGINE_READABLE_H

#include "postgres.h"

#include "engine/identity/caller.h"
#include "store/proposal.h"
#include "store/workflow.h"

extern Proposal *readable_proposal(const Caller *caller, int64 proposal_id);
extern Proposal *readable_proposal_require(const Caller *caller, const Actor *actor,
										   int64 proposal_id, const char *action);
extern Workflow *readable_workflow(const Caller *caller, int64 workflow_id);
extern Workflow *readable_workflow_require(const Caller *caller, const Actor *actor,
										   int64 workflow_id, const char *action);

#endif
