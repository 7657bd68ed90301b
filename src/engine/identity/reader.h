/*
 * reader.h
 *	  Whose rows a role reads.
 */
#ifndef WFO_ENGINE_READER_H
#define WFO_ENGINE_READER_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Actors that are bound to a role. */
typedef struct Binding
{
	Oid role;
	const char *role_name; /* which the role must have; NULL: the OID is enough (binding.h) */
	int64 *actors;
	int count;
	int size; /* of the array */
} Binding;

typedef struct Reader
{
	bool reads_all;
	List *bindings; /* where it does not: Bindings of the roles that it acts as */
} Reader;

extern void reader_identify(Reader *reader);
extern bool reader_may_read(const Reader *reader, int64 actor_id);

#endif
