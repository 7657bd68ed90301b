/*
 * built_in.h
 *	  Calls of built-in tools: their params, and what they rest on.
 */
#ifndef WFO_ENGINE_BUILT_IN_H
#define WFO_ENGINE_BUILT_IN_H

#include "postgres.h"

#include "engine/tool/definition.h"
#include "store/actor.h"
#include "store/proposal.h"
#include "store/tool.h"
#include "utils/jsonb.h"

/* A call of a built-in tool that is proposed, revised or edited. */
typedef struct BuiltInCall
{
	const Tool *tool;
	const Definition *definition;
	const Actor *proposer;
	int64 proposal_id; /* 0: it is being proposed */
	int64 timeout;
} BuiltInCall;

extern const Tool *built_in_tool(const Tool *tool, const Actor *proposer, Jsonb *params);
extern void built_in_check_proposer(const char *tool, const Actor *proposer);
extern Jsonb *built_in_convert(const BuiltInCall *call, Jsonb *params, const char *search_path);
extern Jsonb *built_in_complete(const BuiltInCall *call, Jsonb *params, const char *search_path);
extern const char *built_in_search_path(Jsonb *params);
extern void built_in_exclude_others(void);
extern void built_in_check_unchanged(const Proposal *proposal);
extern void built_in_check_definition(const Proposal *proposal);
extern Jsonb *built_in_authority(const Proposal *proposal, const Actor *executor);

#endif
