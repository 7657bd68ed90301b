/*
 * transition.h
 *	  The state machine: which event takes which object from which status to
 *	  which.
 */
#ifndef WFO_MODEL_TRANSITION_H
#define WFO_MODEL_TRANSITION_H

#include "postgres.h"

#include "model/status.h"

typedef enum StatefulObject
{
	OBJECT_WORKFLOW,
	OBJECT_PROPOSAL,
	OBJECT_EXECUTION
} StatefulObject;

typedef enum Event
{
	EVENT_PROPOSE,
	EVENT_APPROVE,
	EVENT_REJECT,
	EVENT_EDIT,
	EVENT_REVOKE,
	EVENT_WITHDRAW,
	EVENT_EXPIRE,
	EVENT_CANCEL,
	EVENT_EXECUTE,
	EVENT_FAIL,
	EVENT_BREAK_GLASS,
	EVENT_RETRY,
	EVENT_START,
	EVENT_COMPLETE,
	EVENT_APPROVE_BY_RULE,
	EVENT_ACCEPT_DEFINITION,
	EVENT_REVISE,
	EVENT_REQUEST_CHANGES,
	EVENT_APPROVE_BY_STANDING,
	EVENT_END_STANDING
} Event;

#define EVENT_COUNT 20

typedef struct Transition
{
	StatefulObject object;
	int from;
	Event event;
	int to;
} Transition;

extern const Transition *transition_table(int *count);
extern bool transition_is_legal(StatefulObject object, int from, Event event, int to);
extern bool transition_exists(StatefulObject object, int from, int to);
extern bool transition_exists_in_two(StatefulObject object, int from, int to);
extern bool status_is_final(StatefulObject object, int status);
extern bool proposal_status_is_open(ProposalStatus status);

extern const char *object_name(StatefulObject object);
extern const EnumType *object_status_type(StatefulObject object);
extern const char *event_name(Event event);
extern bool event_parse(const char *name, Event *event);

#endif
