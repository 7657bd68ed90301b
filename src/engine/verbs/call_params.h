/*
 * call_params.h
 *	  The params of a revision.
 */
#ifndef WFO_ENGINE_CALL_PARAMS_H
#define WFO_ENGINE_CALL_PARAMS_H

#include "postgres.h"

#include "engine/tool/definition.h"
#include "store/actor.h"
#include "store/policy.h"
#include "store/proposal.h"

/* The call that params are for. */
typedef struct CallSubject
{
	const Tool *tool;
	const Definition *definition;
	const Policy *policy;
	const Actor *proposer;
	int64 proposal_id; /* 0: it is being proposed */
} CallSubject;

extern Jsonb *call_params(const CallSubject *subject, Jsonb *params);
extern Jsonb *call_params_convert(const CallSubject *subject, Jsonb *params);
extern Jsonb *call_params_edited(const CallSubject *subject, Jsonb *params, Jsonb *edits);
extern bool call_params_same(const CallSubject *subject, Jsonb *params, Jsonb *stored);

#endif
