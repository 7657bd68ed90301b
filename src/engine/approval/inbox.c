/*
 * inbox.c
 *	  What waits for a reviewer, and what a proposal waits for.
 *
 * This file only reads.  It asks the same questions as review.c before a
 * decision, for all pending proposals.  The views pending_review and
 * proposal_progress combine its answers with the tables.
 */
#include "postgres.h"

#include "base/each.h"
#include "engine/approval/inbox.h"
#include "engine/approval/requirement.h"
#include "engine/approval/standing.h"
#include "engine/approval/reviewer.h"
#include "engine/approval/vote.h"
#include "engine/identity/binding.h"
#include "engine/identity/caller.h"
#include "engine/identity/readable.h"
#include "engine/state.h"
#include "engine/tool/tool_status.h"
#include "lib/stringinfo.h"
#include "store/break_glass.h"
#include "utils/builtins.h"

static void
put_inbox_item(const Inbox *inbox, const InboxItem *item, Tuplestorestate *rows, TupleDesc desc)
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
	tuplestore_putvalues(rows, desc, values, nulls);
}

/*
 * Whether a pending proposal is for this inbox, and in which slot.
 *
 * The proposal is not approvable if too few actors could approve it, or if its
 * tool differs from the pinned definition; a reviewer can then edit it.
 */
static bool
is_for(const Inbox *inbox, const Proposal *proposal, InboxItem *item)
{
	RosterSubject subject = {proposal->tool, proposal->params, proposal->actor_id};
	bool can_be_met = requirement_can_be_met(proposal->requirements, &subject, inbox->policy);
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

	/* Show what nobody can approve to everyone but the proposer. */
	memset(&item->slot, 0, sizeof(ReviewSlot));
	return !can_be_met && reviewer_is_of_kind(inbox->reviewer, inbox->policy) &&
		   !reviewer_is_proposer(&inbox->person, proposal);
}

/* Whether a break glass that nobody has reviewed is for this inbox. */
static bool
broken_is_for(const Inbox *inbox, const BreakGlass *broken, InboxItem *item)
{
	item->approvable = true;
	return inbox->reviewer == NULL ||
		   (reviewer_is_of_kind(inbox->reviewer, inbox->policy) &&
			!reviewer_is_actor(&inbox->person, &broken->person) &&
			!reviewer_is_proposer(&inbox->person, proposal_require(broken->proposal_id)));
}

/*
 * Open the inbox of an actor; NULL stands for the actor bound to the caller's
 * role.  A gateway that acts for no actor sees everything.  Returns false where
 * the caller has no inbox.
 */
bool
inbox_open(Inbox *inbox, const int64 *actor_id)
{
	Caller caller;

	memset(inbox, 0, sizeof(Inbox));
	caller_identify(&caller);
	inbox->reviewer = caller_actor_or_nobody(&caller, actor_id);
	if (inbox->reviewer != NULL)
	{
		caller_check_reads_as(&caller, inbox->reviewer);
		caller_person(&caller, inbox->reviewer, &inbox->person);
	}
	else if (!caller.gateway)
		return false;
	inbox->policy = policy_load();
	return true;
}

/* Whether the review of a proposal is for this inbox now. */
bool
inbox_has_review(const Inbox *inbox, int64 proposal_id, InboxItem *item)
{
	const Proposal *proposal = proposal_load(proposal_id);

	*item = (InboxItem){.kind = "review", .proposal_id = proposal_id};
	return proposal != NULL && proposal_status_now(proposal) == PROPOSAL_PENDING &&
		   is_for(inbox, proposal, item);
}

/* Whether the review of a break glass is for this inbox now. */
bool
inbox_has_break_glass(const Inbox *inbox, int64 execution_id, InboxItem *item)
{
	const BreakGlass *broken = break_glass_load(execution_id);

	*item = (InboxItem){.kind = "break_glass"};
	return broken != NULL && !broken->reviewed && broken_is_for(inbox, broken, item);
}

/* The proposals to look through, and where to put the rows. */
typedef struct Listing
{
	const Inbox *inbox;
	const int64 *ids;
	Tuplestorestate *rows;
	TupleDesc desc;
} Listing;

static void
list_one(int index, void *arg)
{
	const Listing *listing = arg;
	InboxItem item;

	if (inbox_has_review(listing->inbox, listing->ids[index], &item))
		put_inbox_item(listing->inbox, &item, listing->rows, listing->desc);
}

/* Put the rows of an actor's inbox into a tuplestore, as inbox_open says. */
void
inbox_read(const int64 *actor_id, Tuplestorestate *rows, TupleDesc desc)
{
	Inbox inbox;
	Listing listing = {.inbox = &inbox, .rows = rows, .desc = desc};
	const BreakGlass *open;
	int count;

	if (!inbox_open(&inbox, actor_id))
		return;
	listing.ids = proposal_list_open(&count);
	each_item(count, list_one, &listing);
	open = break_glass_list_open(&count);
	for (int i = 0; i < count; i++)
	{
		InboxItem item = {.kind = "break_glass",
						  .proposal_id = open[i].proposal_id,
						  .execution_id = &open[i].execution_id};

		if (broken_is_for(&inbox, &open[i], &item))
			put_inbox_item(&inbox, &item, rows, desc);
	}
}

/* Describe what a stage still needs, with the slots for any role last. */
static void
describe_stage(StringInfo text, const Quorum *quorum, const int64 *missing, int64 stage)
{
	int64 anybody = 0;
	int64 administrators = 0;
	int len = text->len;

	for (int i = 0; i < quorum->count; i++)
	{
		const Requirement *requirement = &quorum->requirements[i];

		if (requirement->stage != stage || missing[i] == 0)
			continue;
		if (requirement->administers)
			administrators += missing[i];
		else if (requirement->role == NULL)
			anybody += missing[i];
		else
			appendStringInfo(text, "%s" INT64_FORMAT " %s", text->len > len ? " and " : "",
							 missing[i], requirement->role);
	}
	if (administrators > 0)
		appendStringInfo(text, "%s" INT64_FORMAT " who may administer",
						 text->len > len ? " and " : "", administrators);
	if (anybody > 0)
		appendStringInfo(text, "%s" INT64_FORMAT " of any role", text->len > len ? " and " : "",
						 anybody);
}

/*
 * Describe the approvals that a pending proposal still needs, stage by stage.
 * Returns NULL where it needs none or where the caller may not read it, whether
 * or not it exists.
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
	for (int i = 0; i < votes.nrequests; i++)
		appendStringInfo(&text, "%s actor " INT64_FORMAT " requested changes",
						 text.len > 0 ? ";" : "", votes.requests[i].reviewer.actor_id);
	return text.len > 0 ? text.data : NULL;
}

/*
 * Count the approvals of a pending or approved proposal that were given by
 * actors who have since been bound to another database role.  Returns 0 where
 * the caller may not read the proposal, whether or not it exists.
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
