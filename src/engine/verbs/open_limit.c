/*
 * open_limit.c
 *	  How many proposals of an actor may be open.
 *
 * It owns the count of an actor's open proposals.  Counting takes time in
 * proportion to the count, so it is done seldom.  Ids of proposals come from
 * one sequence, so no more proposals have been made since a count than ids were
 * drawn: as long as those would fit, there is room.  A count gives the last id
 * for which that is so.
 *
 * Ids are drawn under a lock of the actor, which is kept until the proposal is
 * inserted, a moment later: shared, or exclusively to count, so that no drawn
 * id is not yet inserted.  The count includes uncommitted proposals of other
 * sessions, so the limit holds for any number of sessions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/errors.h"
#include "base/settings.h"
#include "engine/verbs/open_limit.h"
#include "store/proposal.h"
#include "store/table.h"

/* The ids up to which an actor's proposals have room, by a count of this backend. */
typedef struct Allowance
{
	int64 actor_id;
	int64 first_id;
	int64 last_id;
	Oid table; /* another one after the extension was created again */
	int limit;
} Allowance;

/*
 * The table has a fixed size: an actor's place follows from its id, and actors
 * that share a place overwrite each other's allowance and count again.
 */
#define PLACES 64

static Allowance allowances[PLACES];

/* Whether the running transaction has counted. */
static bool unsettled = false;

static Oid
table_of_proposals(void)
{
	return store_table_oid(STORE_PROPOSAL);
}

static Allowance *
place_of(int64 actor_id)
{
	return &allowances[(uint64) actor_id % PLACES];
}

static void
take(OpenSlot *slot, StoreLockMode mode)
{
	Assert(slot->limited);
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
 * Draw the id of a proposal that an actor makes: 54000 beyond the limit of open
 * ones.
 *
 * Locks: the actor's open proposals, until open_limit_done.  The caller does
 * nothing but insert the proposal in between.
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

/* Let others count: the proposal is inserted. */
void
open_limit_done(const OpenSlot *slot)
{
	if (slot->limited)
		store_unlock_id(LOCK_OPEN_PROPOSALS, slot->actor_id, slot->mode);
}

/*
 * A count depends on what its own transaction had ended by then, so it is
 * dropped if that is rolled back.
 */
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
