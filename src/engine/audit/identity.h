/*
 * identity.h
 *	  What the redaction of an actor makes of rows that say who the actor is.
 */
#ifndef WFO_ENGINE_IDENTITY_H
#define WFO_ENGINE_IDENTITY_H

#include "postgres.h"

#include "base/id_set.h"
#include "nodes/pg_list.h"
#include "store/table.h"
#include "utils/jsonb.h"

/* A person, and the token that takes the person's place. */
typedef struct IdentityPerson
{
	char *person;
	char *token;
} IdentityPerson;

/* What says who an actor is, and what becomes of it. */
typedef struct Identity
{
	int64 actor_id;
	char *name;              /* the new one */
	List *roles;             /* String nodes: names of roles that are the actor's alone */
	IdentityPerson *persons; /* the actor has, or had */
	int npersons;
	int persons_size;
	IdSet *rows[STORE_TABLE_COUNT]; /* to be changed, by their first column; NULL: none */
} Identity;

extern char *actor_redacted_name(int64 actor_id);
extern void identity_add_person(Identity *identity, const char *person, const char *token);
extern bool person_is_token(const char *person);
extern bool row_identifies(const Identity *identity, StoreTable table, const StoredRow *row);
extern bool log_row_names(const Identity *identity, const StoredRow *row);

/* Called with a person or a role, by the name of the member, in the details about an actor. */
typedef void (*IdentityName)(void *arg, const char *key, const char *name);

extern void identity_each_name(const Identity *identity, const StoredRow *row, IdentityName visit,
							   void *arg);
extern void identity_redact_row(const Identity *identity, StoreTable table, StoredRow *row);
extern void identity_redact_log_row(const Identity *identity, StoredRow *row, bool who, bool what);

#endif
