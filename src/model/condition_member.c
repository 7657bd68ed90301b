/*
 * condition_member.c
 *	  Which members of a proposal the condition of an approval rule looks at.
 *
 * It owns the walk through a condition.  It follows each path of the condition
 * in strict mode, through filters, and notes the names of the first members and
 * of the members of params.  Which names there are is the business of its
 * callers.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "model/condition_member.h"

/* What a part of a path stands for. */
typedef enum Place
{
	PLACE_DOCUMENT,
	PLACE_PARAMS,
	PLACE_ANYWHERE, /* something in the document, of which not even the depth is known */
	PLACE_ELSEWHERE /* something that is neither the document nor its params */
} Place;

static void walk_path(ConditionMembers *members, JsonPathItem *item, Place current);

static List *
add_name(List *names, char *name)
{
	ListCell *cell;

	foreach (cell, names)
		if (strcmp(lfirst(cell), name) == 0)
			return names;
	return lappend(names, name);
}

static Place
step_to_member(ConditionMembers *members, JsonPathItem *item, Place here)
{
	int32 length;
	char *start = jspGetString(item, &length);
	char *name = pnstrdup(start, length);

	switch (here)
	{
		case PLACE_DOCUMENT:
			members->first = add_name(members->first, name);
			return strcmp(name, "params") == 0 ? PLACE_PARAMS : PLACE_ELSEWHERE;
		case PLACE_PARAMS:
			members->params = add_name(members->params, name);
			return PLACE_ELSEWHERE;
		case PLACE_ANYWHERE:
		case PLACE_ELSEWHERE:
			break;
	}
	return here;
}

/* Step to all members, or to everything below. */
static Place
step_to_any(ConditionMembers *members, Place here)
{
	if (here == PLACE_PARAMS)
		return PLACE_ELSEWHERE;
	if (here == PLACE_DOCUMENT)
	{
		members->any_first = true;
		return PLACE_ANYWHERE;
	}
	return here;
}

/* Step to elements of an array, which neither the document nor its params are. */
static Place
step_to_element(ConditionMembers *members, JsonPathItem *item, Place here, Place current)
{
	if (item->type == jpiIndexArray)
		for (int i = 0; i < item->content.array.nelems; i++)
		{
			JsonPathItem from;
			JsonPathItem to;

			if (jspGetArraySubscript(item, &from, &to, i))
				walk_path(members, &to, current);
			walk_path(members, &from, current);
		}
	return here == PLACE_ANYWHERE ? here : PLACE_ELSEWHERE;
}

static void
walk_operands(ConditionMembers *members, JsonPathItem *item, Place current)
{
	JsonPathItem operand;

	jspGetLeftArg(item, &operand);
	walk_path(members, &operand, current);
	jspGetRightArg(item, &operand);
	walk_path(members, &operand, current);
}

static void
walk_operand(ConditionMembers *members, JsonPathItem *item, Place current)
{
	JsonPathItem operand;

	if (item->type == jpiLikeRegex)
		jspInitByBuffer(&operand, item->base, item->content.like_regex.expr);
	else
		jspGetArg(item, &operand);
	walk_path(members, &operand, current);
}

/* Take one step of a path from here, where @ is current: returns what it leads to. */
static Place
step(ConditionMembers *members, JsonPathItem *item, Place here, Place current)
{
	switch (item->type)
	{
		case jpiRoot:
			return PLACE_DOCUMENT;
		case jpiCurrent:
			return current;
		case jpiKey:
			return step_to_member(members, item, here);
		case jpiAnyKey:
		case jpiAny:
			return step_to_any(members, here);
		case jpiKeyValue:
			(void) step_to_any(members, here);
			return PLACE_ELSEWHERE;
		case jpiAnyArray:
		case jpiIndexArray:
			return step_to_element(members, item, here, current);
		case jpiFilter:
			walk_operand(members, item, here);
			return here;
		case jpiExists:
		case jpiNot:
		case jpiIsUnknown:
		case jpiPlus:
		case jpiMinus:
		case jpiLikeRegex:
			walk_operand(members, item, current);
			return PLACE_ELSEWHERE;
		case jpiAnd:
		case jpiOr:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiAdd:
		case jpiSub:
		case jpiMul:
		case jpiDiv:
		case jpiMod:
		case jpiStartsWith:
			walk_operands(members, item, current);
			return PLACE_ELSEWHERE;
		default: /* literals, and methods that give a new value */
			return PLACE_ELSEWHERE;
	}
}

static void
walk_path(ConditionMembers *members, JsonPathItem *item, Place current)
{
	Place here = PLACE_ELSEWHERE;
	JsonPathItem next;

	check_stack_depth();
	for (;;)
	{
		here = step(members, item, here, current);
		if (!jspGetNext(item, &next))
			break;
		*item = next;
	}
}

/* Find the members that a path names, or could look at.  The names are copies. */
void
condition_find_members(JsonPath *path, ConditionMembers *members)
{
	JsonPathItem item;

	*members = (ConditionMembers){0};
	jspInit(&item, path);
	walk_path(members, &item, PLACE_DOCUMENT);
}
