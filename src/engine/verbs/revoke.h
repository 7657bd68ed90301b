/*
 * revoke.h
 *	  Takes an approval back.
 */
#ifndef WFO_ENGINE_REVOKE_H
#define WFO_ENGINE_REVOKE_H

#include "postgres.h"

#include "model/status.h"

extern ProposalStatus approval_revoke(int64 proposal_id, const int64 *reviewer_id,
									  const char *reason);

#endif
