/*
 * transition.c
 *		The state machine: each edge that is legal, and that all others are not.
 */
#include "unit.h"

#include "model/transition.h"

/* The edges of the contract: "from event to", one object each. */
static const char *const workflow_edges[] = {"active complete completed", "active cancel cancelled",
											 NULL};

static const char *const proposal_edges[] = {"pending approve approved",
											 "pending approve_by_rule approved",
											 "pending approve_by_standing approved",
											 "pending accept_definition approved",
											 "pending edit approved",
											 "pending reject rejected",
											 "pending withdraw withdrawn",
											 "pending expire expired",
											 "pending cancel cancelled",
											 "pending break_glass executed",
											 "pending break_glass failed",
											 "approved execute executed",
											 "approved fail failed",
											 "approved withdraw withdrawn",
											 "approved expire expired",
											 "approved cancel cancelled",
											 "approved edit pending",
											 "approved revise pending",
											 "approved end_standing pending",
											 "approved accept_definition pending",
											 "approved revoke pending",
											 "failed retry approved",
											 "failed revoke pending",
											 "failed withdraw withdrawn",
											 "failed cancel cancelled",
											 NULL};

static const char *const execution_edges[] = {"queued start running", "queued cancel cancelled",
											  "queued fail failed",   "running execute succeeded",
											  "running fail failed",  "running cancel cancelled",
											  "running retry queued", NULL};

static bool
is_listed(const char *const *edges, const char *edge)
{
	for (; *edges != NULL; edges++)
		if (strcmp(*edges, edge) == 0)
			return true;
	return false;
}

/* Asks for every combination of statuses and event. */
static void
check_edges(StatefulObject object, const char *const *edges)
{
	const EnumType *type = object_status_type(object);

	for (int from = 0; from < type->nlabels; from++)
		for (int to = 0; to < type->nlabels; to++)
		{
			StringInfoData wrong;
			bool any = false;

			initStringInfo(&wrong);
			for (int event = 0; event < EVENT_COUNT; event++)
			{
				const char *name = event_name((Event) event);
				bool legal = is_listed(edges, psprintf("%s %s %s", enum_label(type, from), name,
													   enum_label(type, to)));

				any |= legal;
				if (transition_is_legal(object, from, (Event) event, to) != legal)
					appendStringInfo(&wrong, " %s", name);
			}
			if (transition_exists(object, from, to) != any)
				appendStringInfoString(&wrong, " (any)");
			is_text(wrong.data, "",
					psprintf("a %s %s from %s to %s%s", object_name(object),
							 any ? "can go" : "cannot go", enum_label(type, from),
							 enum_label(type, to), any ? ", by the events of the contract" : ""));
		}
}

/* Whether the contract has an edge from one status, to another one or (NULL) to any. */
static bool
leads(const char *const *edges, const char *from, const char *to)
{
	for (; *edges != NULL; edges++)
	{
		bool is_from = strncmp(*edges, from, strlen(from)) == 0 && (*edges)[strlen(from)] == ' ';

		if (is_from && (to == NULL || strcmp(strrchr(*edges, ' ') + 1, to) == 0))
			return true;
	}
	return false;
}

/* Whether the table leads from one status to another, in any number of steps. */
static bool
is_reachable(StatefulObject object, int from, int to)
{
	bool reached[32] = {false};
	bool changed = true;

	reached[from] = true;
	while (changed)
	{
		int count;
		const Transition *table = transition_table(&count);

		changed = false;
		for (int i = 0; i < count; i++)
			if (table[i].object == object && reached[table[i].from] && !reached[table[i].to])
				reached[table[i].to] = changed = true;
	}
	return reached[to];
}

static void
check_reach(StatefulObject object, const char *const *edges)
{
	const EnumType *type = object_status_type(object);

	for (int status = 0; status < type->nlabels; status++)
	{
		const char *label = enum_label(type, status);
		bool final = !leads(edges, label, NULL);

		ok(is_reachable(object, 0, status), "a %s can become %s", object_name(object), label);
		ok(status_is_final(object, status) == final, "a %s that is %s %s", object_name(object),
		   label, final ? "stays so" : "can go on");
	}
}

/* What a worker may make of an object at once, by two edges of the contract. */
static void
check_two_steps(StatefulObject object, const char *const *edges)
{
	const EnumType *type = object_status_type(object);

	for (int from = 0; from < type->nlabels; from++)
		for (int to = 0; to < type->nlabels; to++)
		{
			bool expected = false;

			for (int between = 0; between < type->nlabels; between++)
				expected |= leads(edges, enum_label(type, from), enum_label(type, between)) &&
							leads(edges, enum_label(type, between), enum_label(type, to));
			ok(transition_exists_in_two(object, from, to) == expected,
			   "two events %s a %s from %s to %s", expected ? "take" : "do not take",
			   object_name(object), enum_label(type, from), enum_label(type, to));
		}
}

static int
count_edges(const char *const *edges)
{
	int count = 0;

	while (edges[count] != NULL)
		count++;
	return count;
}

/* All that the contract says of one object: returns the number of its edges. */
static int
check_object(StatefulObject object, const char *const *edges)
{
	check_edges(object, edges);
	check_two_steps(object, edges);
	check_reach(object, edges);
	return count_edges(edges);
}

UNIT_TEST(transition)
{
	int edges = 0;
	int count;
	Event event;
	bool all = true;

	edges += check_object(OBJECT_WORKFLOW, workflow_edges);
	edges += check_object(OBJECT_PROPOSAL, proposal_edges);
	edges += check_object(OBJECT_EXECUTION, execution_edges);

	(void) transition_table(&count);
	is_int(count, edges, "the table has each edge once");

	for (int status = 0; status < proposal_status_type.nlabels; status++)
		all = all && proposal_status_is_open((ProposalStatus) status) ==
						 (status == PROPOSAL_PENDING || status == PROPOSAL_APPROVED);
	ok(all, "a proposal is open while it is pending or approved");

	all = true;
	for (int i = 0; i < EVENT_COUNT; i++)
		all = all && event_parse(event_name((Event) i), &event) && event == (Event) i;
	ok(all, "each event's name is read as that event");
	ok(!event_parse("explode", &event), "another name is no event");
}
