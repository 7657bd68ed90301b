/*
 * quorum.c
 *		Who fills which slot.
 */
#include "unit.h"

#include "model/quorum.h"

/* The cases leave out what is zero or false. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define NOBODY \
	{ \
		NULL, 0 \
	}

typedef struct Case
{
	const char *description;
	Requirement requirements[5]; /* up to one with no approvals */
	Approval approvals[5];       /* up to one without a role */
	const char *next;            /* the role of one more */
	int64 open_stage;            /* with the approvals */
	int64 place;                 /* of one more */
} Case;

static const Case cases[] = {
	{"nothing needed is complete", {{0}}, {NOBODY}, "DBA", 0, 0},
	{"one by anybody is open to all", {{1, NULL, 1}}, {NOBODY}, "DBA", 1, 1},
	{"one by anybody is complete with one", {{1, NULL, 1}}, {{"DBA", 1}}, "DBA", 0, 0},
	{"a role is open to that role", {{1, "DBA", 1}}, {NOBODY}, "DBA", 1, 1},
	{"and to no other", {{1, "DBA", 1}}, {NOBODY}, "Manager", 1, 0},
	{"roles are told apart by case", {{1, "DBA", 1}}, {NOBODY}, "dba", 1, 0},
	{"two by a role take two", {{1, "DBA", 2}}, {{"DBA", 1}}, "DBA", 1, 1},
	{"and no third", {{1, "DBA", 2}}, {{"DBA", 1}, {"DBA", 1}}, "DBA", 0, 0},

	{"who is in a slot for anybody moves over to the role's",
	 {{1, "DBA", 1}, {1, NULL, 1}},
	 {{"DBA", 1}},
	 "Developer",
	 1,
	 1},
	{"and both slots are then filled",
	 {{1, "DBA", 1}, {1, NULL, 1}},
	 {{"DBA", 1}, {"Developer", 1}},
	 "DBA",
	 0,
	 0},
	{"the order of the requirements does not matter",
	 {{1, NULL, 1}, {1, "DBA", 1}},
	 {{"DBA", 1}, {"Developer", 1}},
	 "DBA",
	 0,
	 0},
	{"nor that of the approvals",
	 {{1, NULL, 1}, {1, "DBA", 1}},
	 {{"Developer", 1}, {"DBA", 1}},
	 "DBA",
	 0,
	 0},
	{"two of no role leave the role's slot open",
	 {{1, "DBA", 1}, {1, NULL, 2}},
	 {{"Developer", 1}, {"Manager", 1}},
	 "Developer",
	 1,
	 0},
	{"to who has it",
	 {{1, "DBA", 1}, {1, NULL, 2}},
	 {{"Developer", 1}, {"Manager", 1}},
	 "DBA",
	 1,
	 1},
	{"three roles and one for anybody: the second of a role takes that one",
	 {{1, "A", 1}, {1, "B", 1}, {1, "C", 1}, {1, NULL, 1}},
	 {{"A", 1}, {"B", 1}},
	 "A",
	 1,
	 1},
	{"but not a third",
	 {{1, "A", 1}, {1, "B", 1}, {1, "C", 1}, {1, NULL, 1}},
	 {{"A", 1}, {"B", 1}, {"A", 1}},
	 "B",
	 1,
	 0},

	{"a later stage is not open at first",
	 {{1, "DBA", 1}, {2, "Manager", 1}},
	 {NOBODY},
	 "Manager",
	 1,
	 0},
	{"the first is", {{1, "DBA", 1}, {2, "Manager", 1}}, {NOBODY}, "DBA", 1, 1},
	{"the second opens when the first is complete",
	 {{1, "DBA", 1}, {2, "Manager", 1}},
	 {{"DBA", 1}},
	 "Manager",
	 2,
	 2},
	{"and the first is then closed", {{1, "DBA", 1}, {2, "Manager", 1}}, {{"DBA", 1}}, "DBA", 2, 0},
	{"all stages complete are complete",
	 {{1, "DBA", 1}, {2, "Manager", 1}},
	 {{"DBA", 1}, {"Manager", 2}},
	 "Manager",
	 0,
	 0},
	{"stages may come in any order and with gaps",
	 {{70, "Manager", 1}, {3, "DBA", 1}},
	 {{"DBA", 3}},
	 "Manager",
	 70,
	 70},
	{"an approval counts in the stage that it was given for",
	 {{1, NULL, 1}, {2, "Manager", 1}},
	 {{"Manager", 1}},
	 "Developer",
	 2,
	 0},
	{"somebody else of the role completes the next stage",
	 {{1, NULL, 1}, {2, "Manager", 1}},
	 {{"Manager", 1}},
	 "Manager",
	 2,
	 2},

	{"an edit counts in a later stage",
	 {{1, "DBA", 1}, {2, "Manager", 1}},
	 {{"Manager", 0}},
	 "DBA",
	 1,
	 1},
	{"which is then complete",
	 {{1, "DBA", 1}, {2, "Manager", 1}},
	 {{"Manager", 0}, {"DBA", 1}},
	 "Manager",
	 0,
	 0},
	{"an edit takes the earlier of two stages",
	 {{1, NULL, 1}, {2, "Manager", 1}},
	 {{"Manager", 0}},
	 "Manager",
	 2,
	 2},
	{"and leaves it to somebody who fits no other",
	 {{1, NULL, 1}, {2, "Manager", 1}},
	 {{"Manager", 0}},
	 "Developer",
	 2,
	 1},
	{"both stages are then complete",
	 {{1, NULL, 1}, {2, "Manager", 1}},
	 {{"Manager", 0}, {"Developer", 1}},
	 "Developer",
	 0,
	 0},
	{"huge numbers are no trouble", {{1, NULL, PG_INT64_MAX}}, {{"DBA", 1}}, "DBA", 1, 1},
};

static void
try(const Case *c)
{
	Requirement requirements[lengthof(c->requirements)];
	Quorum quorum = {0, requirements};
	int count = 0;

	memcpy(requirements, c->requirements, sizeof(requirements));

	while (quorum.count < 5 && c->requirements[quorum.count].approvals > 0)
		quorum.count++;
	while (count < 5 && c->approvals[count].role != NULL)
		count++;
	is_int(quorum_open_stage(&quorum, c->approvals, count), c->open_stage,
		   psprintf("%s: the open stage", c->description));
	is_int(quorum_place(&quorum, c->approvals, count, &(Approval){.role = c->next}), c->place,
		   psprintf("%s: the place of one more", c->description));
}

/*
 * Whether slots can be filled, tried by brute force: each slot of a stage takes
 * each of the approvals that are left.
 */
static bool
can_fill(const Requirement *slots, int nslots, const Approval *approvals, int napprovals,
		 uint32 used)
{
	if (nslots == 0)
		return true;
	for (int i = 0; i < napprovals; i++)
		if ((used & (1u << i)) == 0 &&
			(slots->role == NULL || strcmp(slots->role, approvals[i].role) == 0) &&
			can_fill(slots + 1, nslots - 1, approvals, napprovals, used | (1u << i)))
			return true;
	return false;
}

/* All quorums of one stage over three roles, against all teams of up to four. */
static void
try_all(void)
{
	static const char *const roles[] = {NULL, "A", "B", "C"};
	int wrong = 0;

	for (int q = 0; q < 81; q++)
	{
		Requirement requirements[4];
		Requirement slots[12];
		Quorum quorum = {0, requirements};
		int nslots = 0;

		for (int r = 0, left = q; r < 4; r++, left /= 3)
		{
			if (left % 3 == 0)
				continue;
			requirements[quorum.count++] = (Requirement){1, roles[r], left % 3};
			for (int n = 0; n < left % 3; n++)
				slots[nslots++] = (Requirement){1, roles[r], 1};
		}
		for (int t = 0; t < 256; t++)
		{
			Approval team[4];

			for (int i = 0, left = t; i < 4; i++, left /= 4)
				team[i] = (Approval){left % 4 == 0 ? "D" : roles[left % 4], 1};
			if ((quorum_open_stage(&quorum, team, 4) == 0) != can_fill(slots, nslots, team, 4, 0))
				wrong++;
		}
	}
	is_int(wrong, 0, "what can be filled is found to be, for 81 quorums and 256 teams each");
}

/* What is missing is what fills them, and with the most slots for anybody. */
static void
try_missing(void)
{
	Requirement requirements[] = {{1, "DBA", 2}, {1, NULL, 2}, {2, "Manager", 1}};
	Quorum quorum = {3, requirements};
	Approval given[] = {{"Manager", 1}, {"DBA", 1}, {"DBA", 1}, {"Manager", 0}};
	static const int64 expected[][3] = {{2, 2, 1}, {2, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 0, 1}};

	for (int count = 0; count <= (int) lengthof(given); count++)
	{
		int64 *missing = quorum_missing(&quorum, given, count);

		for (int r = 0; r < quorum.count; r++)
			is_int(missing[r], expected[count][r], "what is missing with some given");
	}
	requirements[1].approvals = 5000;
	is_int(quorum_missing(&quorum, given, 4)[1], 4998, "many that are missing are counted");
}

/* Whether approvals that were given beforehand do for what is needed. */
static void
try_covers(void)
{
	Requirement given[] = {{1, "DBA", 2}, {1, NULL, 1}, {2, "Manager", 1}};
	Requirement needed[] = {{1, "DBA", 1}, {2, "Manager", 1}};
	Requirement later[] = {{3, "Manager", 1}};
	Requirement more[] = {{1, NULL, 2}};
	Requirement administrators[] = {{1, NULL, 1, true}};
	Quorum all = {3, given};

	ok(quorum_covers(&all, &(Quorum){2, needed}), "more than is needed covers it");
	ok(quorum_covers(&all, &(Quorum){0, NULL}), "nothing needed is covered");
	ok(!quorum_covers(&(Quorum){0, NULL}, &(Quorum){2, needed}), "nothing covers nothing");
	ok(!quorum_covers(&all, &(Quorum){1, later}), "another stage is not covered");
	ok(!quorum_covers(&all, &(Quorum){1, more}), "nor are more slots for anybody");
	ok(!quorum_covers(&all, &(Quorum){1, administrators}), "nor slots for administrators");
}

/* Slots for people who hold administer, beside one for anybody. */
static void
try_administrators(void)
{
	Requirement requirements[] = {{1, NULL, 1}, {1, NULL, 1, true}};
	Quorum quorum = {2, requirements};
	Quorum restricted = {1, &requirements[1]};
	Approval clerk = {"Clerk", 1};
	Approval administrator = {"Clerk", 1, true};
	Approval both[] = {administrator, clerk};
	int64 *missing;

	is_int(quorum_place(&quorum, &clerk, 1, &clerk), 0,
		   "two clerks fill no slot for administrators");
	is_int(quorum_place(&quorum, &clerk, 1, &administrator), 1, "an administrator fills it");
	is_int(quorum_place(&quorum, &administrator, 1, &clerk), 1,
		   "an administrator in the slot for anybody moves over");
	is_int(quorum_open_stage(&quorum, both, 2), 0, "both slots are then filled");
	ok(!quorum_wants(&restricted, &clerk), "a clerk is not wanted there");
	missing = quorum_missing(&quorum, &clerk, 1);
	is_int(missing[0], 0, "the clerk fills the slot for anybody");
	is_int(missing[1], 1, "and the administrator is missing");
}

UNIT_TEST(quorum)
{
	Requirement requirements[] = {{1, "DBA", 2}, {2, NULL, 3}, {3, "Manager", 1}};
	Quorum quorum = {3, requirements};
	Quorum none = {0, NULL};

	for (int i = 0; i < (int) lengthof(cases); i++)
		try(&cases[i]);
	try_all();
	try_missing();

	is_int(quorum_size(&none), 0, "nothing needs nobody");
	is_int(quorum_size(&quorum), 6, "the numbers of all stages add up");
	ok(quorum_wants(&quorum, &(Approval){"DBA", 1}), "a stage wants its role");
	ok(!quorum_wants(&quorum, &(Approval){"Manager", 1}), "and no other");
	ok(quorum_wants(&quorum, &(Approval){"Clerk", 2}), "a stage for anybody wants all");
	ok(quorum_wants(&quorum, &(Approval){"Manager"}),
	   "some stage wants a role that a later one names");
	ok(!quorum_wants(&none, &(Approval){"DBA"}), "where nothing is needed nobody is wanted");
	try_administrators();
	try_covers();
}
