/*
 * finish.c
 *	  Writes what came of a call that has run in a session.
 *
 * Usually the result is written in the caller's transaction.  A call that goes
 * on after it was canceled ends with its session, and everything that the
 * transaction has done is undone.  The failure is then recorded in a
 * transaction of its own while the process exits, at the point where PostgreSQL
 * drops temporary tables.
 *
 * An exiting process cannot be interrupted, so it waits for nothing.  If
 * another session keeps a lock for longer than a moment, or if the approval
 * itself was part of the transaction that is undone, the failure is not
 * recorded and only the server's log tells of it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/settings.h"
#include "engine/identity/caller.h"
#include "engine/run/finish.h"
#include "engine/sandbox/deadline.h"
#include "engine/sandbox/sandbox.h"
#include "storage/ipc.h"
#include "store/break_glass.h"
#include "store/execution.h"
#include "store/queue.h"
#include "store/table.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* Number of tries to get the locks as the process exits, and the time between two tries, in us. */
#define TRIES 100
#define TRY_EVERY 10000

/* The call that runs in this session. */
typedef struct Watched
{
	MemoryContext memory;
	int64 proposal_id;
	int64 revision;
	bool dry_run;
	int64 timeout;
	TimestampTz started_at;
	Run run;
} Watched;

static Watched *watched = NULL;

/* Write the execution and the proposal's new status: returns the result as JSON. */
Jsonb *
finish_call(const ApprovedCall *call, const Run *run, const char *login, CallResult *result)
{
	bool failed = result->error != NULL;
	Execution execution = approved_execution(call->proposal,
											 run->actor != NULL ? &run->actor->actor_id : NULL,
											 login);

	Assert(run->execution_id != 0 && IsTransactionState());
	execution.execution_id = run->execution_id;
	execution.status = failed ? EXECUTION_FAILED : EXECUTION_SUCCEEDED;
	execution.dry_run = call->dry_run;
	execution.attempt = 1;
	execution.started_at = result->started_at;
	execution.finished_at = result->finished_at;
	result->break_glass = run->broken != NULL;
	execution.result = result_build(result);
	execution_insert(&execution);
	if (run->broken != NULL)
	{
		proposal_change(call->proposal, NULL, EVENT_BREAK_GLASS,
						failed ? PROPOSAL_FAILED : PROPOSAL_EXECUTED, execution.actor_id,
						run->broken->reason);
		break_glass_insert(run->broken);
	}
	else if (!call->dry_run)
		proposal_change(call->proposal, NULL, failed ? EVENT_FAIL : EVENT_EXECUTE,
						failed ? PROPOSAL_FAILED : PROPOSAL_EXECUTED, execution.actor_id, NULL);
	return execution.result;
}

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

static const BreakGlass *
copy_break_glass(const BreakGlass *broken)
{
	BreakGlass *copy = palloc(sizeof(BreakGlass));

	*copy = *broken;
	copy->person.person = copy_text(broken->person.person);
	copy->person.db_role = copy_text(broken->person.db_role);
	copy->person.login = copy_text(broken->person.login);
	copy->reason = copy_text(broken->reason);
	if (broken->freeze_id != NULL)
		copy->freeze_id = memcpy(palloc(sizeof(int64)), broken->freeze_id, sizeof(int64));
	return copy;
}

static bool
is_as_it_was(const Watched *call, const Proposal *proposal)
{
	return proposal->revision == call->revision &&
		   proposal->status == (call->run.broken != NULL ? PROPOSAL_PENDING : PROPOSAL_APPROVED) &&
		   queue_load(proposal->proposal_id) == NULL;
}

/* Lock what is to be written, without waiting for long; false if that failed. */
static bool
try_to_lock_proposal(const Watched *call, Proposal **proposal)
{
	for (int i = 0; i < TRIES; i++)
	{
		if (!store_exists())
			return false;
		if (store_try_lock())
			switch (proposal_lock(call->proposal_id, LockWaitSkip, proposal))
			{
				case STORE_LOCKED:
					return is_as_it_was(call, *proposal);
				case STORE_GONE:
					return false;
				case STORE_BUSY:
					break;
			}
		pg_usleep(TRY_EVERY);
	}
	return false;
}

static bool
record_session_failure(const Watched *call, bool timed_out)
{
	ApprovedCall approved = {.dry_run = call->dry_run};
	ErrorData error = {.sqlerrcode = ERRCODE_QUERY_CANCELED,
					   .constraint_name = pstrdup(timed_out ? "wfo_timed_out" : "wfo_went_on"),
					   .message = timed_out ? psprintf("canceled after the timeout of " INT64_FORMAT
													   " ms",
													   call->timeout)
											: pstrdup("canceling statement due to user request"),
					   .detail = pstrdup("It caught the cancel and went on, and was ended with its "
										 "session.")};
	CallResult result = {.dry_run = call->dry_run,
						 .error = &error,
						 .started_at = call->started_at,
						 .finished_at = GetCurrentTimestamp()};
	Caller caller;

	if (!try_to_lock_proposal(call, &approved.proposal))
		return false;
	caller_identify(&caller);
	result.tool = approved.proposal->tool;
	result.params = approved.proposal->params;
	(void) finish_call(&approved, &call->run, caller.login_name, &result);
	return true;
}

/* Record a call whose session ends because nothing else could end the call. */
static void
exit_watched(pg_attribute_unused() int code, pg_attribute_unused() Datum arg)
{
	const Watched *call = watched;
	bool timed_out = !deadline_saw_cancel();
	bool recorded;

	watched = NULL;
	if (call == NULL || !deadline_was_ignored())
		return;
	sandbox_abandon();
	AbortOutOfAnyTransaction();
	/*
	 * Neither the settings of the session nor a standby that may be gone must
	 * keep the process from exiting.
	 */
	SetConfigOption("synchronous_commit", "local", PGC_USERSET, PGC_S_OVERRIDE);
	StartTransactionCommand();
	XactIsoLevel = XACT_READ_COMMITTED;
	XactReadOnly = false;
	PushActiveSnapshot(GetTransactionSnapshot());
	recorded = record_session_failure(call, timed_out);
	PopActiveSnapshot();
	CommitTransactionCommand();
	ereport(LOG,
			(recorded ? errmsg("execution " INT64_FORMAT " of proposal " INT64_FORMAT
							   " was ended with its session and has failed",
							   call->run.execution_id, call->proposal_id)
					  : errmsg("execution " INT64_FORMAT " of proposal " INT64_FORMAT
							   " was ended with its session, which could not be recorded",
							   call->run.execution_id, call->proposal_id),
			 timed_out ? errdetail("It caught the cancel and went on for %d ms after its timeout.",
								   setting_timeout_grace)
					   : errdetail("It caught the cancel and went on for %d ms after its caller "
								   "was canceled.",
								   setting_timeout_grace)));
}

/*
 * Watch a call that is about to run in this session.  If nothing else can end
 * it, it is recorded as the process exits.
 */
void
finish_watch(const ApprovedCall *call, const Run *run, int64 timeout, TimestampTz started_at)
{
	static bool registered = false;
	MemoryContext memory = AllocSetContextCreate(TopMemoryContext, "call in a session",
												 ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Watched *new = palloc0(sizeof(Watched));

	Assert(watched == NULL);
	deadline_forget_cancel();
	new->memory = memory;
	new->proposal_id = call->proposal->proposal_id;
	new->revision = call->proposal->revision;
	new->dry_run = call->dry_run;
	new->timeout = timeout;
	new->started_at = started_at;
	new->run = *run;
	if (run->actor != NULL)
		new->run.actor = memcpy(palloc(sizeof(Actor)), run->actor, sizeof(Actor));
	if (run->broken != NULL)
		new->run.broken = copy_break_glass(run->broken);
	MemoryContextSwitchTo(old);
	if (!registered)
		before_shmem_exit(exit_watched, (Datum) 0);
	registered = true;
	watched = new;
}

/* Stop watching the call, which has ended. */
void
finish_unwatch(void)
{
	Assert(watched != NULL);
	MemoryContextDelete(watched->memory);
	watched = NULL;
}
