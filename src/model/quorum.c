/*
 * quorum.c
 *	  Who fills which slot: whether approvals suffice, and where one more counts.
 *
 * It owns the matching of approvals and slots.  Who may approve, and whether two
 * approvals are the same person's, is not its business.
 *
 * Each requirement is a number of slots, in one stage, for one role.  Somebody who
 * approves gives one approval, which fills one slot.  Which slot that is, is never
 * stored but worked out afresh as a maximum matching, so that somebody in a slot
 * for anybody who is also the only DBA makes room.
 *
 * Stages are complete one after the other.  An approval counts in the stage for
 * which it was given, since somebody who approves in a later stage does so
 * knowing the earlier ones.  Only the approval that an edit gives counts in any
 * stage.
 *
 * The matching is found along augmenting paths: H. W. Kuhn, "The Hungarian
 * method for the assignment problem", Naval Research Logistics Quarterly 2
 * (1955), 83-97, with slots of a requirement taken together.  Approvals are few,
 * so the better bound of Hopcroft and Karp would not pay.
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "model/quorum.h"

#define NOWHERE (-1)

typedef struct Matching
{
	const Quorum *quorum;
	const Approval *approvals;
	int count;
	int64 last_stage; /* later ones are left out */
	int *place;       /* of each approval: the requirement it fills */
	int64 *filled;    /* of each requirement: its slots that are filled */
	bool *visited;    /* of each requirement: on the path that is tried */
} Matching;

static bool
fits(const Requirement *requirement, const Approval *approval)
{
	return (approval->stage == 0 || approval->stage == requirement->stage) &&
		   (requirement->role == NULL || strcmp(requirement->role, approval->role) == 0) &&
		   (!requirement->administers || approval->administers);
}

static void
matching_begin(Matching *matching, const Quorum *quorum, const Approval *approvals, int count)
{
	matching->quorum = quorum;
	matching->approvals = approvals;
	matching->count = count;
	matching->last_stage = 0;
	matching->place = palloc(sizeof(int) * Max(count, 1));
	for (int i = 0; i < count; i++)
		matching->place[i] = NOWHERE;
	matching->filled = palloc0(sizeof(int64) * Max(quorum->count, 1));
	matching->visited = palloc(sizeof(bool) * Max(quorum->count, 1));
}

static void
put(Matching *matching, int approval, int requirement)
{
	if (matching->place[approval] != NOWHERE)
		matching->filled[matching->place[approval]]--;
	matching->place[approval] = requirement;
	matching->filled[requirement]++;
}

/* Find a slot for an approval, and move others if that helps. */
static bool
augment(Matching *matching, int approval)
{
	const Approval *a = &matching->approvals[approval];

	check_stack_depth();
	for (int r = 0; r < matching->quorum->count; r++)
	{
		const Requirement *requirement = &matching->quorum->requirements[r];

		if (matching->visited[r] || requirement->stage > matching->last_stage ||
			!fits(requirement, a))
			continue;
		matching->visited[r] = true;
		if (matching->filled[r] < requirement->approvals)
		{
			put(matching, approval, r);
			return true;
		}
		for (int other = 0; other < matching->count; other++)
		{
			if (matching->place[other] == r && augment(matching, other))
			{
				put(matching, approval, r);
				return true;
			}
		}
	}
	return false;
}

static bool
match(Matching *matching, int approval)
{
	memset(matching->visited, false, sizeof(bool) * matching->quorum->count);
	return augment(matching, approval);
}

/* Return the first stage after this one, or 0. */
static int64
stage_after(const Quorum *quorum, int64 stage)
{
	int64 next = 0;

	for (int r = 0; r < quorum->count; r++)
	{
		int64 candidate = quorum->requirements[r].stage;

		if (candidate > stage && (next == 0 || candidate < next))
			next = candidate;
	}
	return next;
}

/* Return the last stage before this one, or 0. */
static int64
stage_before(const Quorum *quorum, int64 stage)
{
	int64 previous = 0;

	for (int r = 0; r < quorum->count; r++)
	{
		int64 candidate = quorum->requirements[r].stage;

		if (candidate < stage && candidate > previous)
			previous = candidate;
	}
	return previous;
}

static bool
is_complete(const Matching *matching)
{
	for (int r = 0; r < matching->quorum->count; r++)
		if (matching->quorum->requirements[r].stage <= matching->last_stage &&
			matching->filled[r] < matching->quorum->requirements[r].approvals)
			return false;
	return true;
}

/* Match the approvals up to the open stage.  Returns that stage, or 0 if all are complete. */
static int64
match_stages(Matching *matching, int count)
{
	int64 stage = 0;

	while ((stage = stage_after(matching->quorum, stage)) != 0)
	{
		matching->last_stage = stage;
		for (int i = 0; i < count; i++)
			if (matching->place[i] == NOWHERE)
				(void) match(matching, i);
		if (!is_complete(matching))
			break;
	}
	return stage;
}

/* Return how many people must approve. */
int64
quorum_size(const Quorum *quorum)
{
	int64 size = 0;

	for (int r = 0; r < quorum->count; r++)
		size += quorum->requirements[r].approvals;
	return size;
}

/* Whether requirements for these roles, NULL being any, are for the same people. */
bool
quorum_same_role(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether two requirements are for the same slots, but for their number. */
static bool
is_for_same_slots(const Requirement *a, const Requirement *b)
{
	return a->stage == b->stage && a->administers == b->administers &&
		   quorum_same_role(a->role, b->role);
}

/*
 * Whether approvals that fill the one quorum would do for the other one, slot by
 * slot.  This is stricter than asking whether the same people could approve.
 */
bool
quorum_covers(const Quorum *given, const Quorum *needed)
{
	for (int n = 0; n < needed->count; n++)
	{
		bool is_covered = false;

		for (int g = 0; g < given->count; g++)
			is_covered |= is_for_same_slots(&given->requirements[g], &needed->requirements[n]) &&
						  given->requirements[g].approvals >= needed->requirements[n].approvals;
		if (!is_covered)
			return false;
	}
	return true;
}

/* Whether there is a slot for the approval, filled or not. */
bool
quorum_wants(const Quorum *quorum, const Approval *approval)
{
	for (int r = 0; r < quorum->count; r++)
		if (fits(&quorum->requirements[r], approval))
			return true;
	return false;
}

/* Return the first stage that these approvals leave incomplete, or 0. */
int64
quorum_open_stage(const Quorum *quorum, const Approval *approvals, int count)
{
	Matching matching;

	matching_begin(&matching, quorum, approvals, count);
	return match_stages(&matching, count);
}

/*
 * Fill the open slots of a requirement with imaginary approvals, and return how
 * many.  "all" holds the given approvals and has room for these.
 */
static int64
fill_slots(Matching *matching, Approval *all, int r)
{
	const Requirement *requirement = &matching->quorum->requirements[r];
	int64 filled = 0;

	for (; filled < requirement->approvals; filled++)
	{
		CHECK_FOR_INTERRUPTS();
		all[matching->count] = (Approval){.role = requirement->role != NULL ? requirement->role
																			: "",
										  .stage = requirement->stage,
										  .administers = requirement->administers};
		matching->place[matching->count] = NOWHERE;
		matching->count++;
		if (!match(matching, matching->count - 1))
		{
			matching->count--;
			break;
		}
	}
	return filled;
}

/* Whether only some of the people who may review fill the slots of a requirement. */
static bool
is_choosy(const Requirement *requirement)
{
	return requirement->role != NULL || requirement->administers;
}

/*
 * Compute how many approvals each requirement still needs.  The slots of a stage
 * that anybody can fill come first, because approvals that fit nowhere else can
 * fill only those: the approvals that a role has given beyond its own slots are
 * already in them.
 */
int64 *
quorum_missing(const Quorum *quorum, const Approval *approvals, int count)
{
	int64 *missing = palloc0(sizeof(int64) * Max(quorum->count, 1));
	int size = (int) Min(quorum_size(quorum), INT_MAX / 2) + count;
	Approval *all = palloc(sizeof(Approval) * Max(size, 1));
	Matching matching;
	int64 stage = 0;

	for (int i = 0; i < count; i++)
		all[i] = approvals[i];
	matching_begin(&matching, quorum, all, size);
	matching.count = count;
	while ((stage = stage_after(quorum, stage)) != 0)
	{
		matching.last_stage = stage;
		for (int i = 0; i < count; i++)
			if (matching.place[i] == NOWHERE)
				(void) match(&matching, i);
		for (int choosy = 0; choosy <= 1; choosy++)
			for (int r = 0; r < quorum->count; r++)
				if (quorum->requirements[r].stage == stage &&
					is_choosy(&quorum->requirements[r]) == (choosy == 1))
					missing[r] = fill_slots(&matching, all, r);
	}
	return missing;
}

/*
 * Return the stage in which the next approval, by one more person, would count,
 * or 0 if it would count in no open one; the stage that it has does not matter.  That is the open stage, or an
 * earlier one whose slot an edit's approval can vacate.
 */
int64
quorum_place(const Quorum *quorum, const Approval *approvals, int count, const Approval *next)
{
	int64 open = quorum_open_stage(quorum, approvals, count);
	Approval *more = palloc(sizeof(Approval) * (count + 1));

	for (int i = 0; i < count; i++)
		more[i] = approvals[i];
	for (int64 stage = open; stage != 0; stage = stage_before(quorum, stage))
	{
		Matching matching;

		more[count] = *next;
		more[count].stage = stage;
		matching_begin(&matching, quorum, more, count + 1);
		(void) match_stages(&matching, count);
		if (match(&matching, count))
			return stage;
	}
	return 0;
}
