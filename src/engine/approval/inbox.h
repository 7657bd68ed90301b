/*
 * inbox.h
 *	  What waits for a reviewer, and what a proposal waits for.
 */
#ifndef WFO_ENGINE_INBOX_H
#define WFO_ENGINE_INBOX_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "engine/approval/vote.h"
#include "store/policy.h"
#include "utils/tuplestore.h"

/* Whose inbox it is. */
typedef struct Inbox
{
	const Actor *reviewer; /* NULL: no actor, and everything is shown */
	Person person;
	const Policy *policy;
} Inbox;

/* One row: an approval that a proposal needs, or a break glass that needs a review. */
typedef struct InboxItem
{
	const char *kind;
	int64 proposal_id;
	const int64 *execution_id;
	ReviewSlot slot; /* which the reviewer would fill; stage 0: none */
	bool approvable;
	bool tool_changed; /* since the proposal was pinned to it */
} InboxItem;

extern bool inbox_open(Inbox *inbox, const int64 *actor_id);
extern bool inbox_has_review(const Inbox *inbox, int64 proposal_id, InboxItem *item);
extern bool inbox_has_break_glass(const Inbox *inbox, int64 execution_id, InboxItem *item);
extern void inbox_read(const int64 *actor_id, Tuplestorestate *rows, TupleDesc desc);
extern char *proposal_needs(int64 proposal_id);
extern int64 proposal_count_rebound(int64 proposal_id);

#endif
