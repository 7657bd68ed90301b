/*
 * rule_test.h
 *	  What a rule would have changed.
 */
#ifndef WFO_ENGINE_RULE_TEST_H
#define WFO_ENGINE_RULE_TEST_H

#include "postgres.h"

#include "store/rule.h"

/* The approvals that a proposal needs, in words, without a rule and with it. */
typedef struct RuleEffect
{
	const char *needed;
	const char *would_need;
} RuleEffect;

extern bool rule_find_effect(const Rule *rule, int64 proposal_id, RuleEffect *effect);

#endif
