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

extern bool person_is_same(const Person *a, const Person *b);
extern int *person_groups(const Person *persons, int count);
extern int person_count(const Person *persons, int count);

#endif
