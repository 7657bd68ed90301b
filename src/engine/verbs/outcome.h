/*
 * outcome.h
 *	  What became of an execution, or of a proposal, for somebody who waits.
 */
#ifndef WFO_ENGINE_OUTCOME_H
#define WFO_ENGINE_OUTCOME_H

#include "postgres.h"

#include "model/status.h"
#include "utils/jsonb.h"

extern Jsonb *execution_outcome(int64 execution_id, int64 *proposal_id);
extern bool proposal_outcome(int64 proposal_id, ProposalStatus *status);

#endif
