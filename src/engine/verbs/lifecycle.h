/*
 * lifecycle.h
 *	  Withdraws, revives and expires proposals.
 */
#ifndef WFO_ENGINE_LIFECYCLE_H
#define WFO_ENGINE_LIFECYCLE_H

#include "postgres.h"

#include "model/status.h"

extern ProposalStatus proposal_withdraw(int64 proposal_id, const int64 *actor_id,
										const char *reason);
extern ProposalStatus proposal_retry(int64 proposal_id, const int64 *actor_id);
extern int64 proposals_expire(int limit);

#endif
