/*
 * open_limit.c
 *	  How many proposals of an actor may be open.
 *
 * Counting takes time in proportion to the count, so it is not done each time.
 * Ids of proposals come out of one sequence, and no more proposals have been made
 * since a count than ids were drawn: as long as those would have room, there is
 * room.  A count gives the last id for which that is so.
 *
 * Ids are drawn under a lock of the actor, which is kept until the proposal is
 * inserted, a moment later: shared, or exclusively by who counts, so that nobody
 * has drawn an id and not inserted yet.  The count includes what others have not
 * committed, so the limit is held, however many sessions there are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/errors.h"
#include "base/settings.h"
#include "engine/verbs/open_limit.h"
#include "store/proposal.h"
#include "store/table.h"

/* Up to which id an actor's proposals have room, by a count of this backend. */
typedef struct Allowance
{
	int64 actor_id;
	int64 first_id;
	int64 last_id;
	Oid table; /* another one after the extension was created again */
	int limit;
} Allowance;

/* By the actor's id; actors that share a place count again. */
#define PLACES 64

static Allowance allowances[PLACES];

/* Whether the running transaction has counted. */
static bool unsettled = false;

static Oid
table_of_proposals(void)
{
	return store_relid(store_table_name(STORE_PROPOSAL));
}

static Allowance *
place_of(int64 actor_id)
{
	return &allowances[(uint64) actor_id % PLACES];
}

static void
take(OpenSlot *slot, StoreLockMode mode)
{
	store_lock_id(LOCK_OPEN_PROPOSALS, slot->actor_id, mode);
	slot->mode = mode;
	slot->proposal_id = store_next_id(STORE_PROPOSAL);
}

/* Take a slot without counting, where an earlier count says that there is room. */
static bool
take_allowed(OpenSlot *slot)
{
	const Allowance *allowance = place_of(slot->actor_id);

	if (allowance->table != table_of_proposals() || allowance->actor_id != slot->actor_id ||
		allowance->limit != setting_max_open_proposals)
		return false;
	take(slot, LOCK_SHARED);
	if (slot->proposal_id > allowance->first_id && slot->proposal_id <= allowance->last_id)
		return true;
	open_limit_done(slot);
	return false;
}

static void
take_counted(OpenSlot *slot)
{
	int limit = setting_max_open_proposals;
	Allowance *allowance = place_of(slot->actor_id);
	int open;

	take(slot, LOCK_EXCLUSIVE);
	open = proposal_count_open(slot->actor_id, limit);
	if (open >= limit)
	{
		open_limit_done(slot);
		report_limit("wfo_too_many_open",
					 errmsg("actor " INT64_FORMAT " has too many open proposals", slot->actor_id),
					 errdetail("The limit is %d.", limit),
					 errhint("Decide, execute or withdraw some of them, or raise the setting "
							 "workflow_orch.max_open_proposals."));
	}
	unsettled = true;
	*allowance = (Allowance){.table = table_of_proposals(),
							 .actor_id = slot->actor_id,
							 .limit = limit,
							 .first_id = slot->proposal_id,
							 .last_id = slot->proposal_id + limit - open - 1};
}

/*
 * Draw the id of a proposal that an actor makes: 54000 past the limit of open
 * ones.
 *
 * Locks: the actor's open proposals, until open_limit_done.  Nothing but the
 * insertion of the proposal comes between.
 */
void
open_limit_take(int64 actor_id, OpenSlot *slot)
{
	slot->actor_id = actor_id;
	slot->limited = setting_max_open_proposals > 0;
	if (!slot->limited)
		slot->proposal_id = store_next_id(STORE_PROPOSAL);
	else if (!take_allowed(slot))
		take_counted(slot);
}

/* The proposal is there: let others count. */
void
open_limit_done(const OpenSlot *slot)
{
	if (slot->limited)
		store_unlock_id(LOCK_OPEN_PROPOSALS, slot->actor_id, slot->mode);
}

/* A count rests on what its own transaction had ended by then: it goes with that. */
static void
forget_allowances(void)
{
	if (unsettled)
		memset(allowances, 0, sizeof(allowances));
	unsettled = false;
}

static void
settle_allowances(XactEvent event, pg_attribute_unused() void *arg)
{
	if (event == XACT_EVENT_COMMIT)
		unsettled = false;
	else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		forget_allowances();
}

static void
drop_unsettled_allowances(SubXactEvent event, pg_attribute_unused() SubTransactionId subid,
						  pg_attribute_unused() SubTransactionId parent,
						  pg_attribute_unused() void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_allowances();
}

void
open_limit_define(void)
{
	RegisterXactCallback(settle_allowances, NULL);
	RegisterSubXactCallback(drop_unsettled_allowances, NULL);
}
