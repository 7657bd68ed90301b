/*
 * rule.h
 *	  The table approval_rule.
 */
#ifndef WFO_STORE_RULE_H
#define WFO_STORE_RULE_H

#include "postgres.h"

#include "model/condition.h"
#include "store/table.h"
#include "utils/jsonb.h"

enum
{
	RULE_RULE_ID = 1,
	RULE_ROLE,
	RULE_APPROVALS,
	RULE_STAGE,
	RULE_TOOL,
	RULE_CONDITION,
	RULE_DESCRIPTION,
	RULE_AGENTS,
	RULE_ADDED_AT,
	RULE_ADDED_BY,
	RULE_REMOVED_AT,
	RULE_REMOVED_BY,
	RULE_DEFINITION,
	RULE_COLUMNS = RULE_DEFINITION
};

typedef struct Rule
{
	int64 rule_id;
	char *role; /* NULL: anybody that may review */
	int64 approvals;
	int64 stage;
	char *tool; /* NULL: all of them */
	Condition condition;
	char *description;
	bool agents;
	bool removed;
	Jsonb *definitions; /* of a rule with 0 approvals: hashes by tool, in hex */
	StoredRow *row;     /* of a locked rule */
} Rule;

/* The rules in force that apply to a tool, oldest first. */
typedef struct RuleList
{
	int count;
	Rule *rules;
} RuleList;

extern const RuleList *rule_list(const char *tool);
extern Rule *rule_lock(int64 rule_id);
extern int64 rule_insert(const Rule *rule, const int64 *added_by);
extern void rule_remove(const Rule *rule, const int64 *removed_by);

#endif
