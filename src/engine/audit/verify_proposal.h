/*
 * verify_proposal.h
 *	  Compares a proposal's row with what the audit log and its revisions make of it.
 */
#ifndef WFO_ENGINE_VERIFY_PROPOSAL_H
#define WFO_ENGINE_VERIFY_PROPOSAL_H

#include "postgres.h"

#include "engine/audit/finding.h"
#include "store/audit_log.h"
#include "store/proposal.h"

extern bool verify_proposal_row(const Findings *findings, const Proposal *proposal,
								const AuditRow *rows, int count);

#endif
