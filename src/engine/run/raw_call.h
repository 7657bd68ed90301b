/*
 * raw_call.h
 *	  Which proposals are meant by calls of a batch that name a tool and params.
 */
#ifndef WFO_ENGINE_RAW_CALL_H
#define WFO_ENGINE_RAW_CALL_H

#include "postgres.h"

#include "store/proposal.h"

typedef struct RawCalls RawCalls;

extern RawCalls *raw_calls_begin(int count);
extern bool raw_call_take(RawCalls *calls, int64 proposal_id);
extern Proposal *raw_call_find(RawCalls *calls, int index, const char *tool_name, Jsonb *params,
							   const int64 *workflow_id);
extern bool raw_call_is_committed(const Proposal *proposal);

#endif
