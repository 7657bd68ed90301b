/*
 * standing.h
 *	  Gives, uses and ends standing approvals.
 */
#ifndef WFO_ENGINE_VERBS_STANDING_H
#define WFO_ENGINE_VERBS_STANDING_H

#include "postgres.h"

#include "engine/identity/caller.h"
#include "store/proposal.h"
#include "store/revision.h"
#include "store/standing.h"
#include "utils/jsonpath.h"

typedef struct StandingRequest
{
	char *tool;
	int64 actor_id;
	int64 uses;
	TimestampTz ends_at;
	JsonPath *condition;
	int64 *max_rows;
	char *description;
} StandingRequest;

extern int64 standing_give(const StandingRequest *request);
extern const Standing *standing_for(const Caller *caller, const Actor *actor, const char *tool,
									const Revision *revision);
extern const Standing *standing_take(const Caller *caller, const Actor *actor, const char *tool,
									 const Revision *revision);
extern ProposalStatus standing_approve(int64 proposal_id, const Standing *standing);
extern void standing_end(int64 standing_id, const int64 *actor_id, const char *reason);

#endif
