/*
 * row_policy.h
 *	  What the condition of the row security policies is in a plan.
 */
#ifndef WFO_ENGINE_ROW_POLICY_H
#define WFO_ENGINE_ROW_POLICY_H

#include "postgres.h"

#include "nodes/pathnodes.h"

extern Node *row_policy_condition(PlannerInfo *root, List *args);

#endif
