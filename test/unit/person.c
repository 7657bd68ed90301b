/*
 * person.c
 *		Who is the same person as whom.
 */
#include "unit.h"

#include "model/person.h"

static Person
person(int64 actor_id, const char *name, const char *db_role, const char *login)
{
	return (Person){.actor_id = actor_id, .person = name, .db_role = db_role, .login = login};
}

static void
marked(Person a, Person b, PersonMark mark, const char *name, const char *description)
{
	const char *forth;
	const char *back;

	ok(person_shared_mark(&a, &b, &forth) == mark && person_shared_mark(&b, &a, &back) == mark &&
		   (name == NULL ? forth == NULL && back == NULL
						 : strcmp(forth, name) == 0 && strcmp(back, name) == 0),
	   "%s", description);
}

static void
same(Person a, Person b, bool expected, const char *description)
{
	ok(person_is_same(&a, &b) == expected && person_is_same(&b, &a) == expected, "%s", description);
}

UNIT_TEST(person)
{
	Person alone[] = {person(1, NULL, NULL, NULL), person(2, NULL, NULL, NULL),
					  person(3, NULL, NULL, NULL)};
	Person chain[] = {person(1, "x", NULL, NULL), person(2, "y", NULL, NULL),
					  person(3, "x", "r", NULL), person(4, NULL, "r", "l"),
					  person(5, "y", NULL, "l")};
	Person again[] = {person(1, NULL, NULL, NULL), person(2, NULL, NULL, NULL),
					  person(1, NULL, NULL, NULL)};
	Person two_groups[] = {person(1, "x", NULL, NULL), person(2, "y", NULL, NULL),
						   person(3, "x", NULL, NULL), person(4, "y", NULL, NULL)};

	marked(person(1, "x", "r", "l"), person(1, "x", "r", "l"), MARK_ACTOR, NULL,
		   "an actor is its own mark");
	marked(person(1, "x", "r", "l"), person(2, "y", "s", "m"), MARK_NONE, NULL,
		   "there may be none");
	marked(person(1, "x", "r", "l"), person(2, "x", "s", "m"), MARK_PERSON, "x",
		   "the person is one");
	marked(person(1, "x", "r", "l"), person(2, "y", "r", "m"), MARK_DB_ROLE, "r", "so is the role");
	marked(person(1, "x", "r", "l"), person(2, "y", "s", "l"), MARK_LOGIN, "l", "and the login");
	marked(person(1, "x", "r", "l"), person(2, "y", "s", "r"), MARK_ROLE_AND_LOGIN, "r",
		   "and a role that is the other's login");
	same(person(1, NULL, NULL, NULL), person(1, NULL, NULL, NULL), true,
		 "an actor is the same person as itself");
	same(person(1, NULL, NULL, NULL), person(2, NULL, NULL, NULL), false,
		 "two actors of whom nothing is known are two people");
	same(person(1, "x", NULL, NULL), person(2, "x", NULL, NULL), true,
		 "actors with the same person are one");
	same(person(1, "x", NULL, NULL), person(2, "X", NULL, NULL), false,
		 "persons are told apart by case");
	same(person(1, NULL, "r", NULL), person(2, NULL, "r", NULL), true,
		 "actors bound to the same role are one person");
	same(person(1, NULL, NULL, "l"), person(2, NULL, NULL, "l"), true,
		 "actors acting through the same login are one person");
	same(person(1, "x", "r", "l"), person(2, "y", "s", "m"), false,
		 "actors that share no mark are two people");
	same(person(1, "x", "r", "l"), person(2, "y", "r", "m"), true,
		 "one mark that is shared will do");
	same(person(1, NULL, "r", NULL), person(2, NULL, "s", "r"), true,
		 "who is bound to a role is who logs in as that role");
	same(person(1, NULL, NULL, "r"), person(2, NULL, "r", "l"), true,
		 "whatever the login there, or the role here");
	same(person(1, NULL, "r", NULL), person(2, NULL, "s", NULL), false,
		 "a gateway's login, which is not known, matches none");
	same(person(1, NULL, "s", "l"), person(2, NULL, "r", "m"), false,
		 "roles and logins that all differ are those of two people");
	same(person(1, "x", NULL, NULL), person(2, NULL, "x", "x"), false,
		 "a person's name is compared with no role's");

	is_int(person_count(NULL, 0), 0, "of nobody there are none");
	is_int(person_count(alone, 1), 1, "of one there is one");
	is_int(person_count(alone, 3), 3, "people who share nothing count one by one");
	is_int(person_count(again, 3), 2, "an actor that acts twice counts once");
	is_int(person_count(two_groups, 4), 2, "each group of actors counts once");
	is_int(person_count(chain, 3), 2, "the third of the chain is the first");
	is_int(person_count(chain, 5), 1, "sharing a mark is carried on from one to the next");
}
