/*
 * search_path.h
 *	  Who may create objects in the schemas on a tool's search_path.
 */
#ifndef WFO_ENGINE_SEARCH_PATH_H
#define WFO_ENGINE_SEARCH_PATH_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "store/tool.h"

/* A schema on a tool's search_path that others can put objects into. */
typedef struct OpenSchema
{
	const char *schema;
	const char *writer; /* "PUBLIC": every role; NULL: the schema is gone */
} OpenSchema;

extern bool search_path_find_writer(Oid schema, Oid run_as, Oid function_owner, Oid *writer);
extern List *search_path_open_schemas(const Tool *tool);

#endif
