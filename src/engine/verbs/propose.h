/*
 * propose.h
 *	  Proposes a call of a tool.
 */
#ifndef WFO_ENGINE_PROPOSE_H
#define WFO_ENGINE_PROPOSE_H

#include "postgres.h"

#include "model/status.h"
#include "utils/jsonb.h"

typedef struct ProposeRequest
{
	int64 workflow_id;
	int64 *actor_id;
	char *tool;
	Jsonb *params;
	char *reason;
	char *idempotency_key;
	bool execute_on_approval;
} ProposeRequest;

extern ProposalStatus propose_approve_by_rule(int64 proposal_id);
extern int64 propose(const ProposeRequest *request, ProposalStatus *status);

#endif
