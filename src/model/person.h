/*
 * person.h
 *	  Who is the same person as whom.
 */
#ifndef WFO_MODEL_PERSON_H
#define WFO_MODEL_PERSON_H

#include "postgres.h"

/*
 * What a person is known by at the moment of an act.  NULL where it is not
 * known: an actor without a person or a database role, a gateway's login.
 */
typedef struct Person
{
	int64 actor_id;
	const char *person;
	const char *db_role;
	const char *login;
	int64 on_behalf_of; /* another actor; 0: nobody */
} Person;

/* What two acts have in common that makes them one person's. */
typedef enum PersonMark
{
	MARK_NONE,
	MARK_ACTOR, /* the actor, or on whose behalf it was */
	MARK_PERSON,
	MARK_DB_ROLE,
	MARK_LOGIN,
	MARK_ROLE_AND_LOGIN /* one is bound to a role, the other logs in as it */
} PersonMark;

extern PersonMark person_shared_mark(const Person *a, const Person *b, const char **name);
extern bool person_is_same(const Person *a, const Person *b);
extern int *person_groups(const Person *persons, int count);
extern int person_count(const Person *persons, int count);

#endif
