/*
 * deadline.c
 *	  Ends what runs too long.
 *
 * It owns the timer and the handler of SIGINT while code runs.
 * statement_timeout is armed once per statement of the client and has no effect
 * when it is set inside one, so a tool's timeout has a timer of its own.  It
 * cancels as a cancel request does, and remembers that it did: a tool that
 * catches the cancel has timed out all the same.  A cancel of the caller is
 * remembered for the same reason, and is distinguished from an error 57014 that
 * the tool raises by itself.
 *
 * Code that goes on by catching cancels is ended after a time of grace.  In a
 * worker the process ends.  In a session the code is unwound first: whenever it
 * catches the cancel, by rolling back a subtransaction, it is canceled again at
 * once, so that the next check for interrupts is outside the block that caught
 * it.  PL/pgSQL checks before each statement and cannot go on.  A language that
 * goes on all the same ends with its session.
 */
#include "postgres.h"

#include <limits.h>
#include <signal.h>

#include "access/xact.h"
#include "base/compat.h"
#include "engine/sandbox/deadline.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/timeout.h"

/* Time after which code that has caught the cancel is canceled again, in ms. */
#define REPEAT_EVERY 100

/* Time that code in a session has to be unwound, in ms. */
#define UNWIND_TIME 1000

static TimeoutId timer = MAX_TIMEOUTS; /* not registered yet */
static volatile sig_atomic_t armed = false;
static bool timing = false;     /* the timer is on */
static bool repeating = false;  /* it repeats a cancel of the caller */
static TimestampTz deadline_at; /* 0: there is none */
static int64 grace_time;        /* in ms; 0: what goes on is not ended */
static bool ends_worker;        /* and not somebody's session */
static volatile sig_atomic_t passed = false;
static volatile sig_atomic_t canceled = false;
static pqsigfunc outer_handler = StatementCancelHandler; /* of SIGINT */
static volatile TimestampTz canceled_at;
static volatile sig_atomic_t unwinding = false;
static volatile sig_atomic_t hard = false;

static void
request_cancel(void)
{
	InterruptPending = true;
	QueryCancelPending = true;
}

/* Number of ms that the code has gone on after it should have ended; 0 if it need not end. */
static int64
overdue(TimestampTz now)
{
	TimestampTz since = passed ? deadline_at : 0;

	if (canceled && !ends_worker && (since == 0 || canceled_at < since))
		since = canceled_at;
	return since == 0 ? 0 : (now - since) / 1000;
}

static void
deadline_handler(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (deadline_at != 0 && now >= deadline_at)
		passed = true;
	if (grace_time > 0 && overdue(now) >= grace_time)
	{
		unwinding = !ends_worker;
		if (ends_worker || overdue(now) >= grace_time + UNWIND_TIME)
		{
			hard = true;
			ProcDiePending = true;
		}
	}
	request_cancel();
	SetLatch(MyLatch);
}

/*
 * A cancel of the caller, statement_timeout included, comes as SIGINT.  So does
 * a lock_timeout, which the tool deals with itself.
 */
static void
cancel_handler(SIGNAL_ARGS)
{
	static volatile sig_atomic_t inside = false;

	if (armed && !get_timeout_indicator(LOCK_TIMEOUT, false) && !canceled)
	{
		canceled_at = GetCurrentTimestamp();
		canceled = true;
	}
	/* A library's handler may call ours in turn, if it was installed after ours once. */
	if (inside)
	{
		StatementCancelHandler(postgres_signal_arg);
		return;
	}
	inside = true;
	outer_handler(postgres_signal_arg);
	inside = false;
}

/* Install our handler before the current handler of SIGINT, the server's own or a library's. */
static void
handler_install(void)
{
	pqsigfunc outer = compat_pqsignal(SIGINT, cancel_handler);

	if (outer != cancel_handler && outer != SIG_DFL && outer != SIG_IGN && outer != SIG_ERR)
		outer_handler = outer;
}

/* Restore that handler, unless another one has been installed before ours in the meantime. */
static void
handler_remove(void)
{
	pqsigfunc top = compat_pqsignal(SIGINT, outer_handler);

	if (top != cancel_handler)
		(void) compat_pqsignal(SIGINT, top);
}

static void
start_timer(TimestampTz at)
{
	timing = true;
	enable_timeout_every(timer, at, REPEAT_EVERY);
}

/*
 * Code that catches an error rolls a subtransaction back.  It may have caught a
 * cancel of the caller, so that cancel is repeated, as the deadline's own is.
 */
static void
repeat_caught_cancel(SubXactEvent event, pg_attribute_unused() SubTransactionId subid,
					 pg_attribute_unused() SubTransactionId parent, pg_attribute_unused() void *arg)
{
	if (!armed || event != SUBXACT_EVENT_ABORT_SUB)
		return;
	if (unwinding)
		request_cancel();
	else if (canceled && !ends_worker && !repeating)
	{
		repeating = true;
		start_timer(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), REPEAT_EVERY));
	}
}

/*
 * Arm the timer, unless milliseconds is zero; a time beyond a timer's range of
 * 24 days is cut to it.  Code that goes on for grace ms after the deadline, or
 * in a session after a cancel of the caller, is ended; with grace 0 it is not.
 * From here on a cancel of the caller is remembered.  Returns false if the
 * timer is armed already: the outer deadline then holds.
 */
bool
deadline_start(int64 milliseconds, int64 grace, bool in_worker)
{
	Assert(milliseconds >= 0 && grace >= 0);
	if (armed)
		return false;
	if (timer == MAX_TIMEOUTS)
	{
		timer = RegisterTimeout(USER_TIMEOUT, deadline_handler);
		RegisterSubXactCallback(repeat_caught_cancel, NULL);
	}
	passed = false;
	canceled = false;
	unwinding = false;
	hard = false;
	timing = false;
	repeating = false;
	deadline_at = 0;
	grace_time = grace;
	ends_worker = in_worker;
	armed = true;
	handler_install();
	if (QueryCancelPending && !canceled)
	{
		/* A cancel that has just arrived is for this code. */
		canceled_at = GetCurrentTimestamp();
		canceled = true;
	}
	if (milliseconds > 0)
	{
		deadline_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
												  Min(milliseconds, INT_MAX));
		start_timer(deadline_at);
	}
	return true;
}

/* Disarm the timer; returns whether the deadline had passed. */
bool
deadline_stop(void)
{
	bool timed_out = passed && !canceled;

	armed = false;
	handler_remove();
	if (timing)
		disable_timeout(timer, false);
	if (timed_out || unwinding)
		QueryCancelPending = false;
	return timed_out;
}

/* Whether the caller was canceled since deadline_start, even if the code caught the cancel. */
bool
deadline_saw_cancel(void)
{
	return canceled;
}

/* Forget a cancel that an earlier call saw. */
void
deadline_forget_cancel(void)
{
	canceled = false;
	unwinding = false;
	hard = false;
}

/* Whether the code went on after deadline_start until it was forced to end. */
bool
deadline_was_ignored(void)
{
	return unwinding || hard;
}

/* Whether this process ends because its code went on after the deadline. */
bool
deadline_ends_process(void)
{
	return hard;
}
