/*
 * waiting.c
 *	  Waits for executions that workers run, and for decisions on proposals.
 *
 * Who waits for an execution is in the pool, and the worker that has committed an execution sets
 * the latches of those that wait for it.  The row is what counts: it is read
 * again after each wake-up, and every second.  A proposal can wait for days, and
 * anybody may decide on it, so nobody wakes who waits for it: the row is read
 * again and again, with longer pauses.
 */
#include "postgres.h"

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

/* How often the row is read without a wake-up, in ms. */
#define LOOK_EVERY 1000

/* The same where there was no room in the pool. */
#define LOOK_EVERY_ALONE 20

/* The longest pause between two looks at a proposal, in ms. */
#define LOOK_AT_PROPOSAL_EVERY 250

/* Sleep until woken or until a time, 0 for no such time; at most as long as said. */
static void
sleep_until(TimestampTz deadline, int longest)
{
	static uint32 event = 0;
	TimestampTz now = GetCurrentTimestamp();
	int64 milliseconds = longest;

	if (event == 0)
		event = compat_wait_event("WorkflowOrchExecution");
	if (deadline != 0)
		milliseconds = Min(milliseconds, (deadline - now + 999) / 1000);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max(milliseconds, 1),
					 event);
}

static void
report_deadlock(int64 execution_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_DEADLOCK_DETECTED), errreason("wfo_deadlock"),
			 errmsg("deadlock detected"),
			 errdetail("Execution " INT64_FORMAT " cannot start before a transaction ends that "
					   "waits for this one, or is this one.",
					   execution_id),
			 errhint("Commit before you wait for a call that needs the same rows or tables.")));
}

/* What a wait holds: to be let go of however it ends. */
typedef struct Wait
{
	int64 execution_id;
	TimestampTz deadline;
	int index; /* in the pool; -1: there was no room */
} Wait;

static Jsonb *
wait_here(const Wait *wait)
{
	TimestampTz next_look = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DeadlockTimeout);
	MemoryContext context = CurrentMemoryContext;
	MemoryContext looking = AllocSetContextCreate(context, "wait for execution",
												  ALLOCSET_DEFAULT_SIZES);
	bool released = false;
	bool known = false;
	Jsonb *result;

	for (;;)
	{
		TimestampTz now;
		int64 proposal_id = 0;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(looking);
		MemoryContextSwitchTo(looking);
		result = execution_outcome(wait->execution_id, &proposal_id);
		MemoryContextSwitchTo(context);
		now = GetCurrentTimestamp();
		if (result != NULL || (wait->deadline != 0 && now >= wait->deadline))
			break;
		if (!known && proposal_id != 0)
			waiter_note_proposal(wait->index, proposal_id);
		known |= proposal_id != 0;
		if (wait->index >= 0 && now >= next_look)
		{
			next_look = TimestampTzPlusMilliseconds(now, LOOK_EVERY);
			if (deadlock_check() == DEADLOCK_NOT_STARTED)
				report_deadlock(wait->execution_id);
		}
		if (!released)
			released = statement_snapshot_release();
		InvalidateCatalogSnapshot();
		sleep_until(wait->deadline, wait->index >= 0 ? LOOK_EVERY : LOOK_EVERY_ALONE);
	}
	if (released)
		statement_snapshot_renew();
	return result;
}

/* The time that is timeout ms away; 0 where that is 0, for no such time. */
static TimestampTz
deadline_after(int64 timeout)
{
	if (timeout == 0)
		return 0;
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									   Min(timeout, (int64) PG_INT32_MAX * 1000));
}

/*
 * Wait until the status of an open proposal changes, for at most timeout ms or,
 * where that is 0, as long as it takes: true and the status, which is the present
 * one where the proposal is not open; false when the time is over.  Holds no lock
 * on the tables while it waits, and where it can no snapshot.
 */
bool
wait_for_proposal(int64 proposal_id, int64 timeout, ProposalStatus *status)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext looking = AllocSetContextCreate(context, "wait for proposal",
												  ALLOCSET_DEFAULT_SIZES);
	TimestampTz deadline = deadline_after(timeout);
	int pause = LOOK_EVERY_ALONE;
	bool released = false;
	bool known = false;
	bool changed = false;
	ProposalStatus first = PROPOSAL_PENDING;

	for (;;)
	{
		bool seen;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(looking);
		MemoryContextSwitchTo(looking);
		seen = proposal_outcome(proposal_id, status);
		MemoryContextSwitchTo(context);
		if (seen && !known)
			first = *status;
		known |= seen;
		changed = seen && (*status != first || !proposal_status_is_open(*status));
		if (changed || (deadline != 0 && GetCurrentTimestamp() >= deadline))
			break;
		if (!released)
			released = statement_snapshot_release();
		InvalidateCatalogSnapshot();
		sleep_until(deadline, pause);
		pause = Min(2 * pause, LOOK_AT_PROPOSAL_EVERY);
	}
	if (released)
		statement_snapshot_renew();
	MemoryContextDelete(looking);
	return changed;
}

/*
 * Wait until an execution has ended, for at most timeout ms or, where that is
 * 0, as long as it takes: returns its result, or NULL when the time is over.
 * Holds no lock on the tables while it waits, and where it can no snapshot.
 */
Jsonb *
wait_for_execution(int64 execution_id, int64 timeout)
{
	Jsonb *volatile result = NULL;
	Wait wait = {.execution_id = execution_id, .deadline = deadline_after(timeout)};

	wait.index = waiter_enter(execution_id);
	PG_ENSURE_ERROR_CLEANUP(waiter_leave, Int32GetDatum(wait.index));
	{
		result = wait_here(&wait);
	}
	PG_END_ENSURE_ERROR_CLEANUP(waiter_leave, Int32GetDatum(wait.index));
	waiter_leave(0, Int32GetDatum(wait.index));
	return result;
}
