/*
 * state.h
 *	  Whether a proposal, a workflow and a tool are in a state for a call.
 */
#ifndef WFO_ENGINE_STATE_H
#define WFO_ENGINE_STATE_H

#include "postgres.h"

#include "base/compat.h"
#include "store/policy.h"
#include "store/proposal.h"
#include "store/revision.h"
#include "store/tool.h"
#include "store/workflow.h"

extern ProposalStatus proposal_status_now(const Proposal *proposal);
extern Proposal *proposal_require(int64 proposal_id);
extern Proposal *proposal_require_lock(int64 proposal_id);
extern Proposal *proposal_require_lock_now(int64 proposal_id);
extern Proposal *proposal_require_find(StoreFound *found, int64 proposal_id);
extern Proposal *proposal_require_lock_found(StoreFound *found, int64 proposal_id,
											 LockWaitPolicy wait);
extern void proposal_check_revision(const Proposal *proposal, const int64 *expected);
extern void proposal_report_state(const Proposal *proposal, const char *reason, const char *wanted,
								  const char *hint);
extern Revision *revision_require(int64 proposal_id, int64 revision);
extern Workflow *workflow_require(int64 workflow_id);
extern void workflow_require_lock(int64 workflow_id);
extern void workflow_require_to_stay(int64 workflow_id);
extern void workflow_check_not_held(int64 workflow_id);
extern void workflow_check_active(const Workflow *workflow);
extern const Tool *tool_require(const char *name);
extern void tool_check_enabled(const Tool *tool);
extern void tool_check_worker(const Tool *tool);
pg_noreturn extern void tool_report_built_in(const char *name);
extern int64 tool_timeout(const Tool *tool, const Policy *policy);
extern TimestampTz expiry_after(const Interval *ttl);
extern bool interval_is_zero(const Interval *interval);
extern const Interval *interval_or_null(const Interval *interval);

#endif
