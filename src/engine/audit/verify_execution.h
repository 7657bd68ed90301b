/*
 * verify_execution.h
 *	  Compares executions and the queue with the audit log.
 */
#ifndef WFO_ENGINE_VERIFY_EXECUTION_H
#define WFO_ENGINE_VERIFY_EXECUTION_H

#include "postgres.h"

#include "engine/audit/finding.h"
#include "store/audit_log.h"
#include "store/execution.h"
#include "store/proposal.h"

extern void verify_execution(const Findings *findings, const Proposal *proposal,
							 const Execution *execution, const AuditRow *rows, int count);
extern void verify_queue(const Findings *findings);

#endif
