/*
 * row_limit.h
 *	  How many rows a call may change.
 */
#ifndef WFO_ENGINE_ROW_LIMIT_H
#define WFO_ENGINE_ROW_LIMIT_H

#include "postgres.h"

#include "engine/tool/definition.h"
#include "store/proposal.h"

extern void row_limit_check_argument(int64 max_rows);
extern const int64 *row_limit_smaller(const int64 *a, const int64 *b);
extern const int64 *row_limit_of_proposal(const Proposal *proposal, const Tool *tool,
										  const Definition *definition);
extern const int64 *row_limit_of_tool(const Tool *tool, const Definition *definition,
									  const bytea *pinned);

#endif
