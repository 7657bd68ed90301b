/*
 * revise.h
 *	  Lets the proposer word a proposal anew.
 */
#ifndef WFO_ENGINE_REVISE_H
#define WFO_ENGINE_REVISE_H

#include "postgres.h"

#include "model/status.h"
#include "utils/jsonb.h"

typedef struct ReviseRequest
{
	int64 proposal_id;
	int64 *actor_id;
	Jsonb *params;
	char *reason; /* NULL: stays as it is */
	int64 *expected_revision;
} ReviseRequest;

extern ProposalStatus revise(const ReviseRequest *request, int64 *revision);

#endif
