/*
 * argument.h
 *	  Arguments of a call: read from jsonb, and written as jsonb again.
 */
#ifndef WFO_ENGINE_ARGUMENT_H
#define WFO_ENGINE_ARGUMENT_H

#include "postgres.h"

#include "engine/tool/definition.h"

extern void arguments_read(const Definition *definition, const int *positions, int count,
						   Jsonb *params, Datum *values, bool *nulls);
extern Jsonb *arguments_rewrite(const Definition *definition, const int *positions, int count,
								Jsonb *params);
extern Jsonb *argument_write(const Definition *definition, int position, Datum value, bool isnull);
extern bool argument_is_same(const Definition *definition, int position, Datum a, Datum b);

#endif
