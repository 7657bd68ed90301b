/*
 * person.c
 *	  Decides which acts are the same person's.
 *
 * It owns the comparison of marks.  Where marks come from and what follows from
 * two people being one is the business of its callers.
 *
 * Separation of duties counts people, and one person can be registered as
 * several actors.  Two acts are the same person's if they share any mark: the
 * actor, the actor on whose behalf it was, the person, the database role or the
 * login.  Role and login are names of one kind: a person who is bound to a role
 * and acts through a gateway is the person who logs in as that role.
 */
#include "postgres.h"

#include "model/person.h"

static bool
same_mark(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Whether an act is by the actor or on the actor's behalf. */
static bool
is_by(const Person *person, int64 actor_id)
{
	return actor_id != 0 && (person->actor_id == actor_id || person->on_behalf_of == actor_id);
}

/* Return the mark that two acts share and, except for an actor, its name; or MARK_NONE. */
PersonMark
person_shared_mark(const Person *a, const Person *b, const char **name)
{
	*name = NULL;
	if (is_by(a, b->actor_id) || is_by(a, b->on_behalf_of))
		return MARK_ACTOR;
	*name = a->person;
	if (same_mark(a->person, b->person))
		return MARK_PERSON;
	*name = a->db_role;
	if (same_mark(a->db_role, b->db_role))
		return MARK_DB_ROLE;
	if (same_mark(a->db_role, b->login))
		return MARK_ROLE_AND_LOGIN;
	*name = a->login;
	if (same_mark(a->login, b->login))
		return MARK_LOGIN;
	if (same_mark(a->login, b->db_role))
		return MARK_ROLE_AND_LOGIN;
	*name = NULL;
	return MARK_NONE;
}

bool
person_is_same(const Person *a, const Person *b)
{
	const char *name;

	return person_shared_mark(a, b, &name) != MARK_NONE;
}

/*
 * Put each act into a group with the acts of the same person, as a number per
 * act.  Sharing a mark is transitive: if A shares one with B and B another with
 * C, all three are the same person's.  The count of people is then too low
 * rather than too high.
 */
int *
person_groups(const Person *persons, int count)
{
	int *group = palloc(sizeof(int) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		group[i] = i;
		for (int j = 0; j < i; j++)
		{
			int joined = group[j];

			if (joined == group[i] || !person_is_same(&persons[i], &persons[j]))
				continue;
			for (int k = 0; k <= i; k++)
				if (group[k] == joined)
					group[k] = group[i];
		}
	}
	return group;
}

/* Count the people behind the acts. */
int
person_count(const Person *persons, int count)
{
	int *group = person_groups(persons, count);
	int groups = 0;

	for (int i = 0; i < count; i++)
	{
		bool first = true;

		for (int j = 0; j < i; j++)
			if (group[j] == group[i])
				first = false;
		groups += first;
	}
	pfree(group);
	return groups;
}
