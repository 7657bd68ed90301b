/*
 * status.h
 *	  The labels of the extension's enum types.
 */
#ifndef WFO_MODEL_STATUS_H
#define WFO_MODEL_STATUS_H

#include "postgres.h"

#include "base/enum.h"

typedef enum WorkflowStatus
{
	WORKFLOW_ACTIVE,
	WORKFLOW_COMPLETED,
	WORKFLOW_CANCELLED
} WorkflowStatus;

typedef enum ProposalStatus
{
	PROPOSAL_PENDING,
	PROPOSAL_APPROVED,
	PROPOSAL_REJECTED,
	PROPOSAL_WITHDRAWN,
	PROPOSAL_EXPIRED,
	PROPOSAL_EXECUTED,
	PROPOSAL_FAILED,
	PROPOSAL_CANCELLED
} ProposalStatus;

typedef enum ExecutionStatus
{
	EXECUTION_QUEUED,
	EXECUTION_RUNNING,
	EXECUTION_SUCCEEDED,
	EXECUTION_FAILED,
	EXECUTION_CANCELLED
} ExecutionStatus;

typedef enum ReviewDecision
{
	DECISION_APPROVE,
	DECISION_REJECT,
	DECISION_EDIT,
	DECISION_REQUEST_CHANGES
} ReviewDecision;

typedef enum DryRunMode
{
	DRY_RUN_DESCRIBE,
	DRY_RUN_ROLLBACK
} DryRunMode;

typedef enum ActorKind
{
	ACTOR_HUMAN,
	ACTOR_AGENT,
	ACTOR_SERVICE
} ActorKind;

extern const EnumType workflow_status_type;
extern const EnumType proposal_status_type;
extern const EnumType execution_status_type;
extern const EnumType review_decision_type;
extern const EnumType actor_kind_type;
extern const EnumType dry_run_mode_type;

#endif
