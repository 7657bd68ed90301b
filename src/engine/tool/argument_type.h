/*
 * argument_type.h
 *	  What the type of an argument is, down to its base types.
 */
#ifndef WFO_ENGINE_ARGUMENT_TYPE_H
#define WFO_ENGINE_ARGUMENT_TYPE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* What matters when values of a type are read and written. */
typedef struct TypeFacts
{
	bool fixed;         /* no setting and no user changes how they are read and written */
	bool builtin;       /* no code of a user runs, and no name is looked up */
	bool has_names;     /* some part names an object of the database */
	bool has_xml;       /* some part is xml */
	bool has_user_base; /* some part is a base type that the server does not bring along */
} TypeFacts;

extern List *type_closure(Oid type);
extern Oid domain_over(Oid domain);
extern bool type_is_name(Oid type);
extern void type_facts(Oid type, TypeFacts *facts);

#endif
