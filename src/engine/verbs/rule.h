/*
 * rule.h
 *	  Adds and removes approval rules.
 */
#ifndef WFO_ENGINE_RULE_H
#define WFO_ENGINE_RULE_H

#include "postgres.h"

#include "store/rule.h"
#include "utils/jsonpath.h"

typedef struct RuleRequest
{
	char *role;
	int64 approvals;
	int64 stage;
	char *tool;
	JsonPath *condition;
	char *description;
	bool agents;
} RuleRequest;

extern void rule_check(const RuleRequest *request, Rule *rule);
extern void rule_warn(const Rule *rule);
extern int64 rule_add(const RuleRequest *request);
extern void rule_drop(int64 rule_id);

#endif
