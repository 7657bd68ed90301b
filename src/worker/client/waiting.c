/*
 * waiting.c
 *	  Waits for executions that workers run, and for decisions on proposals.
 *
 * This file owns the loop of a wait.  While it sleeps it holds no lock on the
 * tables and, where that is possible, no snapshot.  What it sees in the rows is the
 * business of engine/verbs/outcome.c.
 *
 * A process that waits for an execution stands in the pool, and the worker that has
 * committed the execution wakes it.  The row is what counts: it is read again after
 * each wake-up, and every second.  A proposal can wait for days and anybody may
 * decide on it, so no process wakes the waiting one; it reads the row again and
 * again, with growing pauses.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/statement_snapshot.h"
#include "engine/verbs/outcome.h"
#include "miscadmin.h"
#include "model/transition.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "worker/client/deadlock.h"
#include "worker/client/waiting.h"
#include "worker/pool/waiter.h"

/* How often a row is read without a wake-up, in ms. */
#define LOOK_EVERY 1000

/* The same if there was no room in the pool. */
#define LOOK_EVERY_ALONE 20

/* The longest pause between two looks at a proposal, in ms. */
#define LOOK_AT_PROPOSAL_EVERY 250

/* A wait for anything. */
typedef struct Wait
{
	/* Read the row, in a memory context for this look: true if the wait is over. */
	bool (*look)(struct Wait *wait);
	/* Called before each sleep, to raise what makes the wait hopeless; or NULL. */
	void (*check)(struct Wait *wait);
	TimestampTz deadline; /* 0: none */
	int pause;            /* before the next look, in ms; doubles */
	int longest_pause;    /* up to this */
} Wait;

typedef struct ExecutionWait
{
	Wait wait;
	int64 execution_id;
	int index;              /* in the pool; -1: there was no room */
	bool has_noted;         /* the pool has the proposal */
	TimestampTz next_check; /* for a deadlock */
	MemoryContext result_context;
	Jsonb *result; /* NULL: the execution has not ended */
} ExecutionWait;

typedef struct ProposalWait
{
	Wait wait;
	int64 proposal_id;
	bool was_seen;
	ProposalStatus first; /* where it was seen: its status then */
	ProposalStatus status;
} ProposalWait;

/* The time that is timeout ms away; 0 for a timeout of 0, which sets no limit. */
static TimestampTz
deadline_after(int64 timeout)
{
	Assert(timeout >= 0);
	if (timeout == 0)
		return 0;
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									   Min(timeout, (int64) PG_INT32_MAX * 1000));
}

/* Sleep until this process is woken, for the pause at most and not beyond the deadline. */
static void
sleep_until_look(const Wait *wait)
{
	static uint32 event = 0;
	TimestampTz now = GetCurrentTimestamp();
	int64 milliseconds = wait->pause;

	if (event == 0)
		event = compat_wait_event("WorkflowOrchExecution");
	if (wait->deadline != 0)
		milliseconds = Min(milliseconds, (wait->deadline - now + 999) / 1000);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max(milliseconds, 1),
					 event);
}

/* Wait until a look says that it is over; false if the deadline is reached before. */
static bool
wait_until_over(Wait *wait)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext looking = AllocSetContextCreate(context, "wait", ALLOCSET_DEFAULT_SIZES);
	bool released = false;
	bool over;

	Assert(IsTransactionState());
	for (;;)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(looking);
		MemoryContextSwitchTo(looking);
		over = wait->look(wait);
		MemoryContextSwitchTo(context);
		if (over || (wait->deadline != 0 && GetCurrentTimestamp() >= wait->deadline))
			break;
		if (wait->check != NULL)
			wait->check(wait);
		if (!released)
			released = statement_snapshot_release();
		InvalidateCatalogSnapshot();
		sleep_until_look(wait);
		wait->pause = Min(2 * wait->pause, wait->longest_pause);
	}
	if (released)
		statement_snapshot_renew();
	MemoryContextDelete(looking);
	return over;
}

static bool
execution_has_ended(Wait *wait)
{
	ExecutionWait *own = (ExecutionWait *) wait;
	int64 proposal_id = 0;
	const Jsonb *result = execution_outcome(own->execution_id, &proposal_id);

	if (result != NULL)
	{
		own->result = MemoryContextAlloc(own->result_context, VARSIZE(result));
		memcpy(own->result, result, VARSIZE(result));
		return true;
	}
	if (!own->has_noted && proposal_id != 0)
		waiter_note_proposal(own->index, proposal_id);
	own->has_noted |= proposal_id != 0;
	return false;
}

static void
report_deadlock(int64 execution_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_DEADLOCK_DETECTED), errreason("wfo_deadlock"),
			 errmsg("deadlock detected"),
			 errdetail("Execution " INT64_FORMAT " cannot start before a transaction ends that "
					   "is this one or waits for this one.",
					   execution_id),
			 errhint("Commit before you wait for a call that needs the same rows or tables.")));
}

/* Raise an error if the wait for an execution is a deadlock. */
static void
check_for_deadlock(Wait *wait)
{
	ExecutionWait *own = (ExecutionWait *) wait;
	TimestampTz now = GetCurrentTimestamp();

	if (own->index < 0 || now < own->next_check)
		return;
	own->next_check = TimestampTzPlusMilliseconds(now, LOOK_EVERY);
	if (deadlock_check() == DEADLOCK_NOT_STARTED)
		report_deadlock(own->execution_id);
}

/*
 * Wait until an execution has ended, for at most timeout ms or, if that is 0,
 * without a limit.  Returns its result, or NULL if it has not ended.
 */
Jsonb *
wait_for_execution(int64 execution_id, int64 timeout)
{
	ExecutionWait own = {.wait = {.look = execution_has_ended,
								  .check = check_for_deadlock,
								  .deadline = deadline_after(timeout)},
						 .execution_id = execution_id,
						 .result_context = CurrentMemoryContext};

	own.next_check = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DeadlockTimeout);
	own.index = waiter_enter(execution_id);
	own.wait.pause = own.wait.longest_pause = own.index >= 0 ? LOOK_EVERY : LOOK_EVERY_ALONE;
	PG_ENSURE_ERROR_CLEANUP(waiter_leave, Int32GetDatum(own.index));
	{
		(void) wait_until_over(&own.wait);
	}
	PG_END_ENSURE_ERROR_CLEANUP(waiter_leave, Int32GetDatum(own.index));
	waiter_leave(0, Int32GetDatum(own.index));
	return own.result;
}

/* Whether the proposal is not open, or its status is another one than at the first look. */
static bool
proposal_has_moved(Wait *wait)
{
	ProposalWait *own = (ProposalWait *) wait;

	if (!proposal_outcome(own->proposal_id, &own->status))
		return false;
	if (!own->was_seen)
		own->first = own->status;
	own->was_seen = true;
	return own->status != own->first || !proposal_status_is_open(own->status);
}

/*
 * Wait until the status of an open proposal changes, for at most timeout ms or, if
 * that is 0, without a limit.  Returns true and the status, which is the present
 * one if the proposal is not open; false if the status has not changed.
 */
bool
wait_for_proposal(int64 proposal_id, int64 timeout, ProposalStatus *status)
{
	ProposalWait own = {.wait = {.look = proposal_has_moved,
								 .deadline = deadline_after(timeout),
								 .pause = LOOK_EVERY_ALONE,
								 .longest_pause = LOOK_AT_PROPOSAL_EVERY},
						.proposal_id = proposal_id};

	if (!wait_until_over(&own.wait))
		return false;
	*status = own.status;
	return true;
}
