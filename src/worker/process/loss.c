/*
 * loss.c
 *	  What went wrong with a call, as far as its rows do not say it.
 *
 * This file owns the notes of losses in the pool; it reads and writes no table.
 *
 * A worker that is terminated cannot write to the tables, so the next worker that
 * takes its call records the loss.  Only the terminated process knows the error of
 * level FATAL and the sender of SIGTERM.  It leaves both in the pool, which keeps
 * the last few; after a restart of the server only the log has them.
 *
 * The pool also has the calls whose outcome could not be written, for example
 * because of a constraint that was added to a table.  Workers try these again with
 * growing delays.
 */
#include "postgres.h"

#include <signal.h>

#include "base/settings.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "model/retry.h"
#include "postmaster/bgworker.h"
#include "postmaster/postmaster.h"
#include "tcop/tcopprot.h"
#include "utils/elog.h"
#include "utils/timestamp.h"
#include "worker/pool/pool.h"
#include "worker/process/loss.h"

/* Delay after the first outcome that could not be written, in ms; it doubles each time. */
#define RECORD_DELAY 1000

static emit_log_hook_type previous_hook = NULL;
static char last_error[POOL_LOSS_MAX];
static volatile sig_atomic_t sender = 0;

/* Remember the error that ends this process.  A hook on the log. */
static void
note_fatal_error(ErrorData *error)
{
	if (error->elevel == FATAL && error->message != NULL)
	{
		int length = pg_mbcliplen(error->message, (int) strlen(error->message), POOL_LOSS_MAX - 1);

		memcpy(last_error, error->message, length);
		last_error[length] = '\0';
	}
	if (previous_hook != NULL)
		previous_hook(error);
}

/* Handle SIGTERM: remember who has sent it. */
static void
terminate_handler(int signal, siginfo_t *info, pg_attribute_unused() void *context)
{
	sender = info->si_pid;
	die(signal);
}

/* From here on, remember what ends this process. */
void
loss_watch(void)
{
	struct sigaction action = {.sa_sigaction = terminate_handler,
							   .sa_flags = SA_SIGINFO | SA_RESTART};

	Assert(MyBgworkerEntry != NULL);
	Assert(emit_log_hook != note_fatal_error);
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGTERM, &action, NULL) < 0)
		elog(ERROR, "could not set the handler of SIGTERM: %m");
	previous_hook = emit_log_hook;
	emit_log_hook = note_fatal_error;
}

static LossNote *
find_loss_locked(Oid database, int64 execution_id)
{
	Assert(pool_is_locked());
	for (int i = 0; i < POOL_LOSSES; i++)
	{
		LossNote *note = &pool->losses[i];

		if (note->execution_id == execution_id && note->database == database)
			return note;
	}
	return NULL;
}

/* The note of an execution, made if there is none; it may replace the oldest note. */
static LossNote *
make_loss_locked(Oid database, int64 execution_id)
{
	LossNote *note = find_loss_locked(database, execution_id);

	Assert(pool_is_locked());
	if (note != NULL)
		return note;
	note = &pool->losses[pool->next_loss++ % POOL_LOSSES];
	memset(note, 0, sizeof(LossNote));
	note->database = database;
	note->execution_id = execution_id;
	return note;
}

/* Leave in the pool what ends this process, which is running an execution. */
void
loss_note_locked(Oid database, int64 execution_id)
{
	LossNote *note = make_loss_locked(database, execution_id);

	Assert(pool_is_locked());
	note->sender = sender;
	note->was_itself = sender == MyProcPid;
	strlcpy(note->error, last_error, sizeof(note->error));
}

/* What ended the last worker that ran an execution, in sentences; NULL if it is not known. */
char *
loss_text(Oid database, int64 execution_id)
{
	LossNote *known;
	LossNote note = {0};

	pool_lock();
	known = find_loss_locked(database, execution_id);
	if (known != NULL)
		note = *known;
	pool_unlock();
	if (note.error[0] == '\0')
		return NULL;
	if (note.sender == 0)
		return psprintf("It ended with: %s.", note.error);
	if (note.was_itself)
		return psprintf("It ended with: %s. It had sent the signal to itself.", note.error);
	return psprintf("It ended with: %s. Process %d had sent the signal.", note.error, note.sender);
}

/* Note that the outcome of a call could not be written; returns when to try it again. */
TimestampTz
loss_unrecorded(Oid database, int64 execution_id)
{
	LossNote *note;
	TimestampTz not_before;

	pool_lock();
	note = make_loss_locked(database, execution_id);
	not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
											 retry_delay(++note->unrecorded, RECORD_DELAY,
														 setting_retry_max_delay, 0));
	note->not_before = not_before;
	pool_unlock();
	return not_before;
}

/* When a call whose outcome could not be written may be tried again; 0 if there is no such note. */
TimestampTz
loss_not_before_locked(Oid database, int64 execution_id)
{
	const LossNote *note = find_loss_locked(database, execution_id);

	Assert(pool_is_locked());
	return note != NULL ? note->not_before : 0;
}
