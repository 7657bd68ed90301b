/*
 * candidate.c
 *	  Who could give an approval that a call needs, by name.
 *
 * It owns the list of the actors who could, in their own role or in one that was
 * delegated to them.  Whether there are enough of them is requirement.c's
 * business, and whether a reviewer may approve a proposal is review.c's.
 */
#include "postgres.h"

#include "engine/approval/candidate.h"
#include "engine/approval/requirement.h"
#include "engine/approval/reviewer.h"
#include "engine/approval/standing.h"
#include "engine/identity/binding.h"
#include "engine/identity/protection.h"
#include "miscadmin.h"
#include "model/built_in.h"
#include "store/actor.h"
#include "store/delegation.h"
#include "utils/memutils.h"

/* A search for candidates. */
typedef struct CandidateSearch
{
	const Requirement *requirement;
	const char *tool;
	const Person *proposer;
	const Person *holder; /* of the standing approval that is proposed, or NULL */
	const Policy *policy;
	List *names;
	MemoryContext memory; /* of the names */
} CandidateSearch;

static bool
is_somebody_else(const CandidateSearch *search, const Actor *actor)
{
	Person person = actor_person(actor);

	return !person_is_same(&person, search->proposer) &&
		   (search->holder == NULL || !person_is_same(&person, search->holder));
}

/* Add an actor who could approve, once. */
static void
add_candidate(CandidateSearch *search, const Actor *actor)
{
	ListCell *cell;
	MemoryContext old;

	if (!is_somebody_else(search, actor) ||
		!actor_could_review(actor, search->tool, search->policy->agents_may_review) ||
		(search->requirement->administers && !actor_administers(actor)))
		return;
	foreach (cell, search->names)
		if (strcmp(lfirst(cell), actor->name) == 0)
			return;
	old = MemoryContextSwitchTo(search->memory);
	search->names = lappend(search->names, pstrdup(actor->name));
	MemoryContextSwitchTo(old);
}

static bool
search_is_full(const CandidateSearch *search)
{
	return list_length(search->names) >= CANDIDATES_NAMED;
}

/* Add the actors that have the role. */
static void
add_holders(CandidateSearch *search)
{
	MemoryContext row = AllocSetContextCreate(search->memory, "candidate", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	ActorScan scan;
	const Actor *actor;

	actor_scan_begin(&scan, search->requirement->role);
	old = MemoryContextSwitchTo(row);
	while (!search_is_full(search) && (actor = actor_scan_next(&scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		add_candidate(search, actor);
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(old);
	actor_scan_end(&scan);
	MemoryContextDelete(row);
}

/* Add the actors that the role is delegated to. */
static void
add_delegates(CandidateSearch *search)
{
	const DelegationList *list = delegation_list();

	for (int i = 0; i < list->count && !search_is_full(search); i++)
	{
		const Delegation *delegation = &list->delegations[i];
		const Actor *from = actor_load(delegation->from_actor);
		const Actor *to = actor_load(delegation->to_actor);

		if (from != NULL && to != NULL && delegation_is_in_force(delegation) && from->active &&
			strcmp(from->role, search->requirement->role) == 0 && is_somebody_else(search, from) &&
			reviewer_is_of_kind(from, search->policy))
			add_candidate(search, to);
	}
}

static int
compare_candidates(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/*
 * The names, in order, of actors who could fill a requirement of a call, and who are
 * neither the proposer's person nor that of the holder of the standing approval that
 * it would be: the first CANDIDATES_NAMED that are found.
 */
List *
candidate_names(const Requirement *requirement, const RosterSubject *subject,
				const Person *proposer, const Policy *policy)
{
	int64 holder_id = standing_holder_id(subject->tool, subject->params);
	Person holder;
	CandidateSearch search = {.requirement = requirement,
							  .tool = subject->tool,
							  .proposer = proposer,
							  .policy = policy,
							  .memory = CurrentMemoryContext};

	if (holder_id != 0)
	{
		holder = actor_person(actor_require(holder_id));
		search.holder = &holder;
	}
	add_holders(&search);
	/* Calls of built-in tools are reviewed in one's own role only. */
	if (requirement->role != NULL && !built_in_is_administrative(subject->tool))
		add_delegates(&search);
	list_sort(search.names, compare_candidates);
	return search.names;
}
