/*
 * inbox.c
 *	  What waits for a reviewer, and what a proposal waits for.
 *
 * Only reads: the same questions that review.c asks before it decides, for all
 * pending proposals.  The views pending_review and proposal_progress show it
 * with what the tables have.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/binding.h"
#include "engine/caller.h"
#include "engine/inbox.h"
#include "engine/readable.h"
#include "engine/requirement.h"
#include "engine/reviewer.h"
#include "engine/state.h"
#include "engine/tool_status.h"
#include "engine/vote.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/break_glass.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

typedef struct Inbox
{
	const Actor *reviewer; /* NULL: nobody in particular, who sees everything */
	Person person;
	const Policy *policy;
	Tuplestorestate *rows;
	TupleDesc desc;
} Inbox;

/* One row: an approval that is asked for, or a break glass that nobody has reviewed. */
typedef struct InboxItem
{
	const char *kind;
	int64 proposal_id;
	const int64 *execution_id;
	Slot slot; /* which the reviewer would fill; stage 0: none */
	bool approvable;
	bool tool_changed; /* since the proposal was pinned to it */
} InboxItem;

static void
put(const Inbox *inbox, const InboxItem *item)
{
	Datum values[9] = {0};
	bool nulls[9] = {0};

	nulls[0] = inbox->reviewer == NULL;
	if (inbox->reviewer != NULL)
		values[0] = Int64GetDatum(inbox->reviewer->actor_id);
	values[1] = CStringGetTextDatum(item->kind);
	values[2] = Int64GetDatum(item->proposal_id);
	nulls[3] = item->execution_id == NULL;
	if (item->execution_id != NULL)
		values[3] = Int64GetDatum(*item->execution_id);
	nulls[4] = item->slot.stage == 0;
	values[4] = Int64GetDatum(item->slot.stage);
	nulls[5] = item->slot.role == NULL;
	if (item->slot.role != NULL)
		values[5] = CStringGetTextDatum(item->slot.role);
	nulls[6] = item->slot.on_behalf_of == NULL;
	if (item->slot.on_behalf_of != NULL)
		values[6] = Int64GetDatum(*item->slot.on_behalf_of);
	values[7] = BoolGetDatum(item->approvable);
	values[8] = BoolGetDatum(item->tool_changed);
	tuplestore_putvalues(inbox->rows, inbox->desc, values, nulls);
}

/*
 * Whether a pending proposal is for this inbox, and in which slot.
 *
 * It is not approvable where too few actors could approve it, nor while its
 * tool is another than it is pinned to; then a reviewer can edit it.
 */
static bool
is_for(const Inbox *inbox, const Proposal *proposal, InboxItem *item)
{
	bool can_be_met = requirement_can_be_met(proposal->requirements, proposal->actor_id,
											 inbox->policy);
	Votes votes;
	Voter voter;

	item->tool_changed = tool_change(proposal->tool, proposal->definition) != NULL;
	item->approvable = can_be_met && !item->tool_changed;
	votes_load(&votes, proposal);
	if (inbox->reviewer == NULL)
	{
		item->slot.stage = votes.open_stage;
		return true;
	}
	voter_init(&voter, inbox->reviewer, &inbox->person, proposal, inbox->policy);
	if (voter_may_approve(&voter, &votes, inbox->policy, &item->slot))
		return true;

	/* What nobody can approve is everybody's to see, but whose it is. */
	memset(&item->slot, 0, sizeof(Slot));
	return !can_be_met && reviewer_is_of_kind(inbox->reviewer, inbox->policy) &&
		   !reviewer_is_proposer(&inbox->person, proposal);
}

static void
read_proposals(const Inbox *inbox)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "inbox",
												  ALLOCSET_DEFAULT_SIZES);
	int count;
	int64 *ids = proposal_list_open(&count);

	for (int i = 0; i < count; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		InboxItem item = {.kind = "review", .proposal_id = ids[i]};
		const Proposal *proposal = proposal_load(ids[i]);

		CHECK_FOR_INTERRUPTS();
		if (proposal != NULL && proposal_status_now(proposal) == PROPOSAL_PENDING &&
			is_for(inbox, proposal, &item))
			put(inbox, &item);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

static void
read_break_glass(const Inbox *inbox)
{
	int count;
	const BreakGlass *open = break_glass_list_open(&count);

	for (int i = 0; i < count; i++)
	{
		InboxItem item = {.kind = "break_glass",
						  .proposal_id = open[i].proposal_id,
						  .execution_id = &open[i].execution_id,
						  .approvable = true};

		if (inbox->reviewer == NULL ||
			(reviewer_is_of_kind(inbox->reviewer, inbox->policy) &&
			 !reviewer_is_actor(&inbox->person, &open[i].person) &&
			 !reviewer_is_proposer(&inbox->person, proposal_require(open[i].proposal_id))))
			put(inbox, &item);
	}
}

/*
 * Put what waits for an actor into a tuplestore; NULL is the one bound to the
 * caller's role.  A gateway that acts for nobody in particular sees everything.
 */
void
inbox_read(const int64 *actor_id, Tuplestorestate *rows, TupleDesc desc)
{
	Caller caller;
	Inbox inbox = {.rows = rows, .desc = desc};

	caller_identify(&caller);
	inbox.reviewer = caller_actor_or_nobody(&caller, actor_id);
	if (inbox.reviewer != NULL)
	{
		caller_check_reads_as(&caller, inbox.reviewer);
		caller_person(&caller, inbox.reviewer, &inbox.person);
	}
	else if (!caller.gateway)
		return;
	inbox.policy = policy_load();
	read_proposals(&inbox);
	read_break_glass(&inbox);
}

/*
 * Say what a stage still needs, the slots for anybody last.
 */
static void
describe_stage(StringInfo text, const Quorum *quorum, const int64 *missing, int64 stage)
{
	int64 anybody = 0;
	int len = text->len;

	for (int i = 0; i < quorum->count; i++)
	{
		const Requirement *requirement = &quorum->requirements[i];

		if (requirement->stage != stage || missing[i] == 0)
			continue;
		if (requirement->role == NULL)
			anybody += missing[i];
		else
			appendStringInfo(text, "%s" INT64_FORMAT " %s", text->len > len ? " and " : "",
							 missing[i], requirement->role);
	}
	if (anybody > 0)
		appendStringInfo(text, "%s" INT64_FORMAT " of any role", text->len > len ? " and " : "",
						 anybody);
}

/*
 * The approvals that a pending proposal still needs, in words, stage by stage:
 * NULL where it needs none, or the caller may not read it, be it there or not.
 */
char *
proposal_needs(int64 proposal_id)
{
	Caller caller;
	const Proposal *proposal;
	StringInfoData text;
	Votes votes;
	int64 stage = 0;
	int64 *missing;

	caller_identify(&caller);
	proposal = readable_proposal(&caller, proposal_id);
	if (proposal == NULL || proposal_status_now(proposal) != PROPOSAL_PENDING)
		return NULL;

	votes_load(&votes, proposal);
	missing = quorum_missing(&votes.quorum, votes.approvals, votes.napprovals);
	initStringInfo(&text);
	for (int i = 0; i < votes.quorum.count; i++)
	{
		/* Requirements are in the order of their stages. */
		if (missing[i] == 0 || votes.quorum.requirements[i].stage == stage)
			continue;
		stage = votes.quorum.requirements[i].stage;
		appendStringInfoString(&text, text.len > 0 ? ", then " : "needs ");
		describe_stage(&text, &votes.quorum, missing, stage);
	}
	return text.len > 0 ? text.data : NULL;
}

/*
 * How many approvals of a pending or approved proposal were given by actors who
 * are bound to another database role now; 0, too, where the caller may not read it,
 * be it there or not.
 */
int64
proposal_count_rebound(int64 proposal_id)
{
	Caller caller;
	const Proposal *proposal;
	Votes votes;
	int64 count = 0;

	caller_identify(&caller);
	proposal = readable_proposal(&caller, proposal_id);
	if (proposal == NULL || !proposal_status_is_open(proposal_status_now(proposal)))
		return 0;
	votes_load(&votes, proposal);
	for (int i = 0; i < votes.napprovals; i++)
		count += actor_is_rebound(actor_require(votes.approvers[i].actor_id),
								  votes.approvers[i].db_role);
	return count;
}
