/*
 * definition.h
 *	  What a tool is at this moment, by the catalogs.
 */
#ifndef WFO_ENGINE_DEFINITION_H
#define WFO_ENGINE_DEFINITION_H

#include "postgres.h"

#include "engine/tool/argument_type.h"
#include "nodes/pg_list.h"
#include "store/policy.h"
#include "store/tool.h"
#include "utils/jsonb.h"

typedef struct Definition
{
	Oid function;
	Oid owner;
	TransactionId version_xmin; /* of the row in pg_proc, and where it is */
	ItemPointerData version_tid;
	bool security_definer;
	bool strict;
	bool returns_set;
	bool variadic;
	bool whole_object; /* one jsonb argument "params" takes them all */
	bool fixed_types;  /* of all arguments: see TypeFacts */
	bool builtin_types;
	bool runs_sql; /* it is run_sql */
	Oid result_type;
	int nargs;
	char **arg_names;
	Oid *arg_types;
	TypeFacts *arg_facts;
	bool *has_default;
	List *used_types;     /* that the arguments are made of */
	List *used_functions; /* that those types use */
	Jsonb *json;          /* everything that is pinned, by name */
	bytea *sha256;        /* of its text */
	List *former;         /* of its text under former names of the tool's role: bytea * */
} Definition;

/* The search_path under which a definition is written down. */
#define DEFINITION_SEARCH_PATH "pg_catalog, pg_temp"

extern const Definition *definition_find(const Tool *tool);
extern const Definition *definition_load(const Tool *tool);
extern const char *definition_change(const Tool *tool, const bytea *pinned);
extern bool definition_is_version(const Definition *a, const Definition *b);
extern bool definition_is(const Definition *definition, const bytea *sha256);
extern bool definition_is_confirmed(const Tool *tool);
extern void definition_check_confirmed(const Tool *tool, const Policy *policy);
extern void definition_check_pinned(const Tool *tool, const Definition *definition,
									const bytea *sha256, int64 proposal_id);

#endif
