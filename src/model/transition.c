/*
 * transition.c
 *	  The state machine: which event takes which object from which status to
 *	  which.
 *
 * The table below is the only place that says so. transitions() shows it, and
 * the triggers enforce it for every writer.  A status that no row leads away
 * from is final.  A change that keeps the status, such as the first of two
 * approvals, is not a transition.
 */
#include "postgres.h"

#include "model/transition.h"

#define WORKFLOW(from, event, to) \
	{ \
		OBJECT_WORKFLOW, WORKFLOW_##from, EVENT_##event, WORKFLOW_##to \
	}
#define PROPOSAL(from, event, to) \
	{ \
		OBJECT_PROPOSAL, PROPOSAL_##from, EVENT_##event, PROPOSAL_##to \
	}
#define EXECUTION(from, event, to) \
	{ \
		OBJECT_EXECUTION, EXECUTION_##from, EVENT_##event, EXECUTION_##to \
	}

static const Transition transitions[] = {
	WORKFLOW(ACTIVE, COMPLETE, COMPLETED),
	WORKFLOW(ACTIVE, CANCEL, CANCELLED),

	PROPOSAL(PENDING, APPROVE, APPROVED),
	PROPOSAL(PENDING, EDIT, APPROVED),
	PROPOSAL(PENDING, APPROVE_BY_RULE, APPROVED),
	PROPOSAL(PENDING, APPROVE_BY_STANDING, APPROVED),
	PROPOSAL(PENDING, ACCEPT_DEFINITION, APPROVED),
	PROPOSAL(PENDING, REJECT, REJECTED),
	PROPOSAL(PENDING, WITHDRAW, WITHDRAWN),
	PROPOSAL(PENDING, EXPIRE, EXPIRED),
	PROPOSAL(PENDING, CANCEL, CANCELLED),
	PROPOSAL(PENDING, BREAK_GLASS, EXECUTED),
	PROPOSAL(PENDING, BREAK_GLASS, FAILED),

	PROPOSAL(APPROVED, EXECUTE, EXECUTED),
	PROPOSAL(APPROVED, FAIL, FAILED),
	PROPOSAL(APPROVED, WITHDRAW, WITHDRAWN),
	PROPOSAL(APPROVED, EXPIRE, EXPIRED),
	PROPOSAL(APPROVED, CANCEL, CANCELLED),
	PROPOSAL(APPROVED, EDIT, PENDING),
	PROPOSAL(APPROVED, ACCEPT_DEFINITION, PENDING),
	PROPOSAL(APPROVED, REVOKE, PENDING),
	PROPOSAL(APPROVED, REVISE, PENDING),
	PROPOSAL(APPROVED, END_STANDING, PENDING),

	PROPOSAL(FAILED, RETRY, APPROVED),
	PROPOSAL(FAILED, REVOKE, PENDING),
	PROPOSAL(FAILED, WITHDRAW, WITHDRAWN),
	PROPOSAL(FAILED, CANCEL, CANCELLED),

	EXECUTION(QUEUED, START, RUNNING),
	EXECUTION(QUEUED, CANCEL, CANCELLED),
	EXECUTION(QUEUED, FAIL, FAILED),
	EXECUTION(RUNNING, EXECUTE, SUCCEEDED),
	EXECUTION(RUNNING, FAIL, FAILED),
	EXECUTION(RUNNING, CANCEL, CANCELLED),
	EXECUTION(RUNNING, RETRY, QUEUED),
};

static const char *const event_names[] = {
	[EVENT_PROPOSE] = "propose",
	[EVENT_APPROVE] = "approve",
	[EVENT_REJECT] = "reject",
	[EVENT_EDIT] = "edit",
	[EVENT_REVOKE] = "revoke",
	[EVENT_WITHDRAW] = "withdraw",
	[EVENT_EXPIRE] = "expire",
	[EVENT_CANCEL] = "cancel",
	[EVENT_EXECUTE] = "execute",
	[EVENT_FAIL] = "fail",
	[EVENT_BREAK_GLASS] = "break_glass",
	[EVENT_RETRY] = "retry",
	[EVENT_START] = "start",
	[EVENT_COMPLETE] = "complete",
	[EVENT_APPROVE_BY_RULE] = "approve_by_rule",
	[EVENT_ACCEPT_DEFINITION] = "accept_definition",
	[EVENT_REVISE] = "revise",
	[EVENT_REQUEST_CHANGES] = "request_changes",
	[EVENT_APPROVE_BY_STANDING] = "approve_by_standing",
	[EVENT_END_STANDING] = "end_standing",
};

StaticAssertDecl(lengthof(event_names) == EVENT_COUNT, "each event has a name");

const Transition *
transition_table(int *count)
{
	*count = lengthof(transitions);
	return transitions;
}

bool
transition_is_legal(StatefulObject object, int from, Event event, int to)
{
	for (int i = 0; i < (int) lengthof(transitions); i++)
	{
		const Transition *t = &transitions[i];

		if (t->object == object && t->from == from && t->event == event && t->to == to)
			return true;
	}
	return false;
}

/* Whether an event leads from one status to the other. */
bool
transition_exists(StatefulObject object, int from, int to)
{
	for (int i = 0; i < (int) lengthof(transitions); i++)
	{
		const Transition *t = &transitions[i];

		if (t->object == object && t->from == from && t->to == to)
			return true;
	}
	return false;
}

/* Whether two events, one after the other, lead from one status to the other. */
bool
transition_exists_in_two(StatefulObject object, int from, int to)
{
	for (int i = 0; i < (int) lengthof(transitions); i++)
	{
		const Transition *t = &transitions[i];

		if (t->object == object && t->from == from && transition_exists(object, t->to, to))
			return true;
	}
	return false;
}

bool
status_is_final(StatefulObject object, int status)
{
	for (int i = 0; i < (int) lengthof(transitions); i++)
		if (transitions[i].object == object && transitions[i].from == status)
			return false;
	return true;
}

/* Whether a proposal in this status can run without a retry. */
bool
proposal_status_is_open(ProposalStatus status)
{
	return status == PROPOSAL_PENDING || status == PROPOSAL_APPROVED;
}

const char *
object_name(StatefulObject object)
{
	switch (object)
	{
		case OBJECT_WORKFLOW:
			return "workflow";
		case OBJECT_PROPOSAL:
			return "proposal";
		case OBJECT_EXECUTION:
			return "execution";
	}
	pg_unreachable();
}

const EnumType *
object_status_type(StatefulObject object)
{
	switch (object)
	{
		case OBJECT_WORKFLOW:
			return &workflow_status_type;
		case OBJECT_PROPOSAL:
			return &proposal_status_type;
		case OBJECT_EXECUTION:
			return &execution_status_type;
	}
	pg_unreachable();
}

const char *
event_name(Event event)
{
	return event_names[event];
}

bool
event_parse(const char *name, Event *event)
{
	for (int i = 0; i < (int) lengthof(event_names); i++)
	{
		if (strcmp(event_names[i], name) == 0)
		{
			*event = (Event) i;
			return true;
		}
	}
	return false;
}
