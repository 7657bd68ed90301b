/*
 * announce.c
 *	  Tells the background processes what a transaction has left to them when it
 *	  commits: queued and canceled calls, rows of the audit log.
 *
 * This file owns the announcements of a transaction.  It must not raise an error
 * after the commit, and it reads no table.
 *
 * A transaction keeps here which calls it has queued or canceled.  It announces them
 * when it has committed and released its locks: a worker that was woken before would
 * only sleep again, until it sees all that the transaction has changed.  The
 * announcements of a subtransaction that is rolled back are forgotten.  A prepared
 * transaction commits without a callback, so a keeper looks for its calls and
 * requests then (utility.c), and for audit rows that are not sealed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "base/grow.h"
#include "engine/audit/audit.h"
#include "engine/audit/clean.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "worker/client/announce.h"
#include "worker/pool/group.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"
#include "worker/pool/seal.h"

/* How many calls are announced under one lock of the pool. */
#define ANNOUNCED_AT_ONCE 100

typedef struct Announcement
{
	bool is_cancel; /* of the execution; the rest of the call is not set */
	QueuedCall queued;
	Oid role;
	SubTransactionId subid;
} Announcement;

/* Announcements of this transaction, in TopTransactionContext. */
static Announcement *pending = NULL;
static int npending = 0;
static int size = 0;
static bool visit_pending = false;
static bool roles_pending = false;
static bool seal_pending = false;
static bool committed = false; /* the transaction has committed, and has not announced yet */

static void
forget_announcements(void)
{
	committed = false;
	pending = NULL;
	npending = 0;
	size = 0;
	visit_pending = false;
	roles_pending = false;
	seal_pending = false;
}

/*
 * Announce all at the end of a transaction.  Calls are announced many at once: a worker
 * that was woken for the first of them finds the others as well, and can run them in one
 * transaction.
 */
static void
announce_pending(void)
{
	int i = 0;

	while (i < npending)
	{
		int end = Min(npending, i + ANNOUNCED_AT_ONCE);

		if (pending[i].is_cancel)
		{
			pool_cancel(MyDatabaseId, pending[i++].queued.execution_id);
			continue;
		}
		pool_lock();
		for (; i < end && !pending[i].is_cancel; i++)
			group_announce_locked(MyDatabaseId, pending[i].role, &pending[i].queued);
		pool_unlock();
	}
}

/*
 * Have a worker warm up for the first call that was queued.  It has time for that only
 * if the commit waits for the disk.
 */
static void
warm_up_first(void)
{
	if (npending > 0 && !pending[0].is_cancel && enableFsync &&
		synchronous_commit > SYNCHRONOUS_COMMIT_OFF)
		group_warm_up(MyDatabaseId, pending[0].role, &pending[0].queued);
}

static void
announce_at_transaction_end(XactEvent event, pg_attribute_unused() void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			warm_up_first();
			break;
		case XACT_EVENT_COMMIT:
			committed = true;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget_announcements();
			break;
		default:
			break;
	}
}

static void
announce_when_released(ResourceReleasePhase phase, pg_attribute_unused() bool is_commit,
					   pg_attribute_unused() bool is_top_level, pg_attribute_unused() void *arg)
{
	if (!committed || phase != RESOURCE_RELEASE_AFTER_LOCKS)
		return;
	announce_pending();
	if (visit_pending)
		pool_request_visit(MyDatabaseId);
	if (roles_pending)
		pool_check_roles();
	if (seal_pending)
		seal_want(MyDatabaseId);
	forget_announcements();
}

static void
announce_at_subtransaction_end(SubXactEvent event, SubTransactionId subid, SubTransactionId parent,
							   pg_attribute_unused() void *arg)
{
	int i = npending;

	if (event == SUBXACT_EVENT_ABORT_SUB)
		while (npending > 0 && pending[npending - 1].subid >= subid)
			npending--;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (; i > 0 && pending[i - 1].subid == subid; i--)
			pending[i - 1].subid = parent;
}

static void
append_announcement(const Announcement *item)
{
	MemoryContext old;

	Assert(IsTransactionState());
	old = MemoryContextSwitchTo(TopTransactionContext);
	GROW_ARRAY(pending, npending, size);
	MemoryContextSwitchTo(old);
	pending[npending] = *item;
	pending[npending].subid = GetCurrentSubTransactionId();
	npending++;
}

/* Announce a call that this transaction has queued to the workers of a role. */
static void
announce_call(const QueuedCall *queued, Oid role)
{
	append_announcement(&(Announcement){.queued = *queued, .role = role});
}

/* Announce a request to cancel that this transaction has written to the worker of the call. */
void
announce_cancel(int64 execution_id)
{
	append_announcement(&(Announcement){.is_cancel = true, .queued.execution_id = execution_id});
}

/* Have the audit row that was written be sealed when this transaction has committed. */
static void
announce_seal(void)
{
	seal_pending = true;
}

/* Set the hooks and the callbacks, when the library is preloaded. */
void
announce_define(void)
{
	queued_hook = announce_call;
	audit_define(announce_seal);
	clean_define(announce_visit);
	RegisterXactCallback(announce_at_transaction_end, NULL);
	RegisterSubXactCallback(announce_at_subtransaction_end, NULL);
	RegisterResourceReleaseCallback(announce_when_released, NULL);
}

/* Have a keeper visit the database when this transaction commits. */
void
announce_visit(void)
{
	visit_pending = true;
}

/* Have the workers of roles that cannot connect leave when this transaction commits. */
void
announce_roles(void)
{
	roles_pending = true;
}
