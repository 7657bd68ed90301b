/*
 * person.h
 *	  Decides which acts are the same person's.
 */
#ifndef WFO_MODEL_PERSON_H
#define WFO_MODEL_PERSON_H

#include "postgres.h"

/*
 * The marks of a person at the time of an act.  A mark that is not known is
 * NULL: an actor without a person or a database role, a gateway's login.
 */
typedef struct Person
{
	int64 actor_id;
	const char *person;
	const char *db_role;
	const char *login;
	int64 on_behalf_of; /* another actor; 0: nobody */
} Person;

/* The mark that makes two acts the same person's. */
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
