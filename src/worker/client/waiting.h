/*
 * waiting.h
 *	  Waits for executions that workers run, and for decisions on proposals.
 *
 * Waits in the caller's transaction, which must not hold the pool's lock.
 */
#ifndef WFO_WORKER_WAITING_H
#define WFO_WORKER_WAITING_H

#include "postgres.h"

#include "model/status.h"
#include "utils/jsonb.h"

extern Jsonb *wait_for_execution(int64 execution_id, int64 timeout);
extern bool wait_for_proposal(int64 proposal_id, int64 timeout, ProposalStatus *status);

#endif
