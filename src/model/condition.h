/*
 * condition.h
 *	  Whether the condition of an approval rule holds for a proposal.
 */
#ifndef WFO_MODEL_CONDITION_H
#define WFO_MODEL_CONDITION_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/jsonpath.h"

typedef enum Truth
{
	TRUTH_FALSE,
	TRUTH_TRUE,
	TRUTH_UNKNOWN
} Truth;

/* A prepared condition. */
typedef struct Condition
{
	JsonPath *path; /* NULL: holds always */
	JsonPath *wide; /* the same, selecting also what it cannot judge; NULL: no path that selects */
	bool at_large;  /* looks at members of the proposal that it does not name */
} Condition;

extern bool condition_has_variables(const JsonPath *path);
extern bool condition_has_inner_filter(JsonPath *path);
extern JsonPath *condition_strict(const JsonPath *path);
extern Condition condition_prepare(JsonPath *path);
extern Truth condition_evaluate(const Condition *condition, Jsonb *document);

#endif
