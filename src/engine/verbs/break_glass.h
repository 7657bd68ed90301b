/*
 * break_glass.h
 *	  Executes a pending call without the approvals, in an emergency, and has
 *	  somebody else look at it afterwards.
 */
#ifndef WFO_ENGINE_BREAK_GLASS_H
#define WFO_ENGINE_BREAK_GLASS_H

#include "postgres.h"

#include "utils/jsonb.h"

extern int64 break_glass(int64 proposal_id, const int64 *actor_id, const char *reason,
						 Jsonb **result);
extern void break_glass_review(int64 execution_id, const int64 *reviewer_id, const char *comment);

#endif
