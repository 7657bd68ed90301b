/*
 * params.h
 *	  Fits the params of a call to the arguments of its function.
 */
#ifndef WFO_ENGINE_PARAMS_H
#define WFO_ENGINE_PARAMS_H

#include "postgres.h"

#include "engine/tool/definition.h"
#include "nodes/params.h"
#include "nodes/pg_list.h"

extern Jsonb *params_convert(const Tool *tool, const Definition *definition, Oid run_as,
							 int64 timeout, Jsonb *params);
/* Arguments of a function call: expressions over the parameters' values. */
typedef struct Arguments
{
	List *expressions;
	bool complete; /* one for each argument, in order; else by name */
	ParamListInfo values;
} Arguments;

extern void params_check_size(Jsonb *params);
extern const char *params_arguments(const Definition *definition, Jsonb *params,
									Arguments *arguments);

#endif
