/*
 * group_table.c
 *	  Where the groups of the pool and their lists of calls are.
 *
 * There are more groups than lists: a list is long, and only what is about to run
 * needs one.  A group without a list has its calls in the queue, through which its
 * first worker looks.
 *
 * This file owns which groups there are, and which of them has which list.  What is
 * in a list is the business of group.c.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/timestamp.h"
#include "worker/pool/group.h"
#include "worker/pool/group_table.h"

/* How long after a group became free keepers look for the calls of roles that got none, in ms. */
#define LOOK_FOR_MISSING_AFTER 1000

/* The place of the first group with the hash of a database and role, counting from 1. */
static int *
head_of(Oid database, Oid role)
{
	return &pool->heads[hash_combine(murmurhash32(database), murmurhash32(role)) % POOL_GROUPS];
}

/* The group of a database and role; NULL if there is none. */
PoolGroup *
group_find_locked(Oid database, Oid role)
{
	Assert(pool_is_locked());
	Assert(OidIsValid(database) && OidIsValid(role));
	for (int place = *head_of(database, role); place != 0; place = pool->groups[place - 1].next)
	{
		PoolGroup *group = &pool->groups[place - 1];

		if (group->database == database && group->role == role)
			return group;
	}
	return NULL;
}

static bool
group_has_worker_locked(const PoolGroup *group)
{
	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
		if (pool->slots[i].state != SLOT_FREE && &pool->groups[pool->slots[i].group] == group)
			return true;
	return false;
}

/* Whether a group has no call and no worker, but only a time when its next call is due. */
static bool
group_only_waits_locked(const PoolGroup *group)
{
	Assert(pool_is_locked());
	if (group->ncalls > 0 || group->incomplete || group->filling || group_has_worker_locked(group))
		return false;
	for (int i = 0; i < POOL_BATCHES; i++)
		if (pool->batches[i].used && pool->batches[i].database == group->database)
			return false;
	return true;
}

/* Have all databases visited at a time, or earlier. */
static void
visit_all_at_locked(TimestampTz at)
{
	Assert(pool_is_locked());
	if (pool->visit_all_at != 0 && pool->visit_all_at <= at)
		return;
	pool->visit_all_at = at;
	pool_wake_launcher_locked();
}

/*
 * Free a group for another role: of the groups that only wait for a time, the one
 * whose time is the latest.  Keepers look for its calls when that time has come.
 */
static void
displace_group_locked(void)
{
	PoolGroup *victim = NULL;

	Assert(pool_is_locked());
	for (int i = 0; i < pool->ngroups; i++)
	{
		PoolGroup *group = &pool->groups[i];

		if (OidIsValid(group->database) && group_only_waits_locked(group) &&
			(victim == NULL || group->next_due > victim->next_due))
			victim = group;
	}
	if (victim == NULL)
		return;
	if (victim->next_due != 0)
		visit_all_at_locked(victim->next_due);
	group_free_locked(victim);
}

/* A group that is not in use; NULL if there is none. */
static PoolGroup *
find_unused_group_locked(void)
{
	Assert(pool_is_locked());
	for (int i = 0; i < pool->ngroups; i++)
		if (!OidIsValid(pool->groups[i].database))
			return &pool->groups[i];
	return pool->ngroups < POOL_GROUPS ? &pool->groups[pool->ngroups++] : NULL;
}

/*
 * The group of a database and role, made if there is none.  NULL if there is no room
 * for it: then keepers look for the role's calls when a group has become free.
 */
PoolGroup *
group_make_locked(Oid database, Oid role)
{
	PoolGroup *group = group_find_locked(database, role);
	int *head = head_of(database, role);

	Assert(pool_is_locked());
	if (group != NULL)
		return group;
	group = find_unused_group_locked();
	if (group == NULL)
	{
		displace_group_locked();
		group = find_unused_group_locked();
	}
	if (group == NULL)
	{
		pool->group_missing = true;
		return NULL;
	}
	memset(group, 0, sizeof(PoolGroup));
	group->database = database;
	group->role = role;
	group->next = *head;
	*head = (int) (group - pool->groups) + 1;
	return group;
}

/* Take its list from a group. */
static void
release_list_locked(PoolGroup *group)
{
	Assert(pool_is_locked());
	if (group->calls != NULL)
		pool->list_owners[(group->calls - pool->lists) / POOL_CALLS] = NULL;
	group->calls = NULL;
	group->ncalls = 0;
}

/* Free a group, which has no worker and whose calls are in the queue. */
void
group_free_locked(PoolGroup *group)
{
	int place = (int) (group - pool->groups) + 1;
	int *link = head_of(group->database, group->role);

	Assert(pool_is_locked());
	Assert(OidIsValid(group->database) && !group_has_worker_locked(group));
	while (*link != place)
		link = &pool->groups[*link - 1].next;
	*link = group->next;
	release_list_locked(group);
	group->database = InvalidOid;
	while (pool->ngroups > 0 && !OidIsValid(pool->groups[pool->ngroups - 1].database))
		pool->ngroups--;
	if (pool->group_missing)
		visit_all_at_locked(TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
														LOOK_FOR_MISSING_AFTER));
	pool->group_missing = false;
}

static bool
has_history_locked(const PoolGroup *group)
{
	Assert(pool_is_locked());
	for (int i = 0; i < group->ncalls; i++)
		if (group_call_has_history(&group->calls[i]))
			return true;
	return false;
}

/*
 * The list that a group without one can have: a list that is free or empty or, if
 * the group has a worker, that of a group which has none; the calls of that group are
 * left to the queue.  One whose calls have a history comes last, since the queue has
 * no history.  -1 if there is none.
 */
static int
find_list_locked(const PoolGroup *group)
{
	int found = -1;

	Assert(pool_is_locked());
	for (int i = 0; i < pool->nlists; i++)
		if (pool->list_owners[i] == NULL || pool->list_owners[i]->ncalls == 0)
			return i;
	if (!group_has_worker_locked(group))
		return -1;
	for (int i = 0; i < pool->nlists; i++)
	{
		const PoolGroup *owner = pool->list_owners[i];

		if (group_has_worker_locked(owner))
			continue;
		if (!has_history_locked(owner))
			return i;
		found = i;
	}
	/* Fewer groups have a worker than there are lists. */
	Assert(found >= 0);
	return found;
}

/* Whether a group has a list for its calls, or gets one now. */
bool
group_has_list_locked(PoolGroup *group)
{
	PoolGroup *owner;
	int list;

	Assert(pool_is_locked());
	if (group->calls != NULL)
		return true;
	list = find_list_locked(group);
	if (list < 0)
		return false;
	owner = pool->list_owners[list];
	if (owner != NULL && owner->ncalls > 0)
	{
		owner->incomplete = true;
		owner->bounded = false;
	}
	if (owner != NULL)
		release_list_locked(owner);
	pool->list_owners[list] = group;
	group->calls = &pool->lists[(Size) list * POOL_CALLS];
	return true;
}
