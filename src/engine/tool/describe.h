/*
 * describe.h
 *	  Writes down functions and types as JSON, by names.
 */
#ifndef WFO_ENGINE_DESCRIBE_H
#define WFO_ENGINE_DESCRIBE_H

#include "postgres.h"

#include "access/htup.h"
#include "base/json.h"
#include "nodes/pg_list.h"

/* What was written down: OIDs of what is there by name. */
typedef struct Described
{
	List *types;
	List *functions;
	bool has_sql; /* some text is SQL as this version of the server writes it */
} Described;

extern void describe_function(JsonObject *json, HeapTuple tuple, Described *described);
extern char *describe_default(Oid function, int argument, Described *described);
extern void describe_types(JsonObject *json, const Oid *types, int count, Described *described);

#endif
