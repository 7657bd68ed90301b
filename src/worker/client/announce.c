/*
 * announce.c
 *	  Tells the workers of queued calls, and of cancels, when their transaction
 *	  commits.
 *
 * What a transaction has queued or cancelled is kept here until its end.  The callback at
 * the commit runs when the rows are visible to others, and wakes the workers
 * itself; what a subtransaction queued that was rolled back is forgotten.  A
 * prepared transaction commits without a callback, so a keeper looks for its
 * calls and cancels then (utility.c).
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "worker/client/announce.h"
#include "worker/pool/group.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"

typedef struct Pending
{
	bool is_cancel; /* of the execution, and not a call to run */
	QueuedCall call;
	Oid role;
	SubTransactionId subid;
} Pending;

/* In the memory of the top transaction. */
static Pending *pending = NULL;
static int npending = 0;
static int size = 0;
static bool visit_pending = false;
static bool roles_pending = false;

static void
forget(void)
{
	pending = NULL;
	npending = 0;
	size = 0;
	visit_pending = false;
	roles_pending = false;
}

static void
announce(const Pending *item)
{
	if (item->is_cancel)
		pool_cancel(MyDatabaseId, item->call.execution_id);
	else
		pool_announce(MyDatabaseId, item->role, &item->call, 1);
}

static void
at_transaction_end(XactEvent event, pg_attribute_unused() void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			for (int i = 0; i < npending; i++)
				announce(&pending[i]);
			if (visit_pending)
				pool_request_visit(MyDatabaseId);
			if (roles_pending)
				pool_check_roles();
			forget();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget();
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid, SubTransactionId parent,
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
append(const Pending *item)
{
	if (npending == size)
	{
		int new_size = Max(size * 2, 16);

		if (pending == NULL)
			pending = MemoryContextAlloc(TopTransactionContext, new_size * sizeof(Pending));
		else
			pending = repalloc_huge(pending, new_size * sizeof(Pending));
		size = new_size;
	}
	pending[npending] = *item;
	pending[npending].subid = GetCurrentSubTransactionId();
	npending++;
}

/* Have the workers of a role told of a call that this transaction has queued. */
static void
announce_call(const QueuedCall *call, Oid role)
{
	append(&(Pending){.call = *call, .role = role});
}

/* Have the worker that has an execution told of a cancel that this transaction has written. */
void
announce_cancel(int64 execution_id)
{
	append(&(Pending){.is_cancel = true, .call.execution_id = execution_id});
}

void
announce_define(void)
{
	queued_hook = announce_call;
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

/* Have a keeper look through the queue when this transaction has committed. */
void
announce_visit(void)
{
	visit_pending = true;
}

/* Have the workers of roles that cannot connect leave when this transaction has committed. */
void
announce_roles(void)
{
	roles_pending = true;
}
