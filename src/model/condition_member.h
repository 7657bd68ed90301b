/*
 * condition_member.h
 *	  Which members of a proposal the condition of an approval rule looks at.
 */
#ifndef WFO_MODEL_CONDITION_MEMBER_H
#define WFO_MODEL_CONDITION_MEMBER_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonpath.h"

typedef struct ConditionMembers
{
	List *first;    /* names of members of the document, each once */
	List *params;   /* names of members of its member "params", each once */
	bool any_first; /* it also looks at members of the document that it does not name */
} ConditionMembers;

extern void condition_find_members(JsonPath *path, ConditionMembers *members);

#endif
