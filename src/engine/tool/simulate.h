/*
 * simulate.h
 *	  Runs a call and rolls it back.
 */
#ifndef WFO_ENGINE_SIMULATE_H
#define WFO_ENGINE_SIMULATE_H

#include "postgres.h"

#include "engine/tool/definition.h"
#include "engine/tool/invoke.h"
#include "engine/tool/result.h"
#include "store/proposal.h"

extern void simulate(const Invocation *invocation, const Tool *tool, const Definition *definition,
					 int64 timeout, const Proposal *proposal, CallResult *result);

#endif
