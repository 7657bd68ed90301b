/*
 * transition.c
 *		The state machine: each edge that is legal, and that all others are not.
 */
#include "unit.h"

#include "model/transition.h"

#define LAST_EVENT EVENT_ACCEPT_DEFINITION

/* The edges of the contract: "from event to", one object each. */
static const char *const workflow_edges[] = {"active complete completed", "active cancel cancelled",
											 NULL};

static const char *const proposal_edges[] = {"pending approve approved",
											 "pending approve_by_rule approved",
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
			for (int event = 0; event <= LAST_EVENT; event++)
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

/* Whether the table leads from one status to another, be it by a detour. */
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
check_reach(StatefulObject object, const char *const *finals)
{
	const EnumType *type = object_status_type(object);

	for (int status = 0; status < type->nlabels; status++)
	{
		bool final = is_listed(finals, enum_label(type, status));

		ok(is_reachable(object, 0, status), "a %s can become %s", object_name(object),
		   enum_label(type, status));
		ok(status_is_final(object, status) == final, "a %s that is %s %s", object_name(object),
		   enum_label(type, status), final ? "stays so" : "can go on");
	}
}

/* What a worker may make of an execution at once: "from to". */
static void
check_two_steps(StatefulObject object, const char *const *pairs)
{
	const EnumType *type = object_status_type(object);

	for (int from = 0; from < type->nlabels; from++)
		for (int to = 0; to < type->nlabels; to++)
		{
			const char *pair = psprintf("%s %s", enum_label(type, from), enum_label(type, to));
			bool listed = is_listed(pairs, pair);

			ok(transition_exists_in_two(object, from, to) == listed,
			   "two events %s a %s from one to the other: %s", listed ? "take" : "do not take",
			   object_name(object), pair);
		}
}

UNIT_TEST(transition)
{
	static const char *const no_pairs[] = {NULL};
	static const char *const execution_pairs[] = {"queued succeeded", "queued failed",
												  "queued cancelled", "queued queued",
												  "running running",  "running cancelled",
												  "running failed",   NULL};
	static const char *const workflow_finals[] = {"completed", "cancelled", NULL};
	static const char *const proposal_finals[] = {"rejected", "withdrawn", "expired",
												  "executed", "cancelled", NULL};
	static const char *const execution_finals[] = {"succeeded", "failed", "cancelled", NULL};
	int count;
	Event event;
	bool all = true;

	check_edges(OBJECT_WORKFLOW, workflow_edges);
	check_edges(OBJECT_PROPOSAL, proposal_edges);
	check_edges(OBJECT_EXECUTION, execution_edges);
	check_two_steps(OBJECT_WORKFLOW, no_pairs);
	check_two_steps(OBJECT_EXECUTION, execution_pairs);
	check_reach(OBJECT_WORKFLOW, workflow_finals);
	check_reach(OBJECT_PROPOSAL, proposal_finals);
	check_reach(OBJECT_EXECUTION, execution_finals);

	(void) transition_table(&count);
	is_int(count, 31, "the table has each edge once");

	for (int status = 0; status < proposal_status_type.nlabels; status++)
		all = all && proposal_status_is_open((ProposalStatus) status) ==
						 (status == PROPOSAL_PENDING || status == PROPOSAL_APPROVED);
	ok(all, "a proposal is open while it is pending or approved");

	all = true;
	for (int i = 0; i <= LAST_EVENT; i++)
		all = all && event_parse(event_name((Event) i), &event) && event == (Event) i;
	ok(all, "each event's name is read as that event");
	ok(!event_parse("explode", &event), "another name is no event");
}
