/*
 * describe.h
 *	  Writes down functions and types as JSON, by names.
 */
#ifndef WFO_ENGINE_DESCRIBE_H
#define WFO_ENGINE_DESCRIBE_H

#include "postgres.h"

#include "access/htup.h"
#include "base/json.h"

extern void describe_function(JsonObject *json, HeapTuple tuple);
extern char *describe_default(Oid function, int argument);
extern void describe_types(JsonObject *json, const Oid *types, int count);

#endif
