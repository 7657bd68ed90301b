/*
 * deadline.c
 *	  Cancels what runs too long.
 *
 * statement_timeout is armed once per statement of the client and does nothing
 * when it is set inside one, so a tool's timeout has a timer of its own.  It
 * cancels as a cancel request does, and remembers that it did: a tool that
 * catches the cancel has timed out all the same.  A cancel of the caller is
 * remembered for the same reason, and told from an error 57014 that the tool
 * raises by itself.
 */
#include "postgres.h"

#include <limits.h>
#include <signal.h>

#include "engine/deadline.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/timeout.h"

/* How often what has caught the cancel is cancelled again, in ms. */
#define REPEAT_EVERY 100

static TimeoutId timer = MAX_TIMEOUTS; /* not registered yet */
static bool armed = false;
static volatile sig_atomic_t passed = false;
static volatile sig_atomic_t hard = false;
static TimestampTz hard_at = 0; /* 0: never */
static volatile sig_atomic_t cancelled = false;

static void
deadline_handler(void)
{
	passed = true;
	if (hard_at != 0 && GetCurrentTimestamp() >= hard_at)
	{
		hard = true;
		ProcDiePending = true;
	}
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

/*
 * A cancel of the caller, statement_timeout included, comes as SIGINT.  So does
 * a lock_timeout, which is the tool's to deal with.
 */
static void
cancel_handler(SIGNAL_ARGS)
{
	if (!get_timeout_indicator(LOCK_TIMEOUT, false))
		cancelled = true;
	StatementCancelHandler(postgres_signal_arg);
}

/* The length of an interval, months taken as 30 days, rounded up: zero means no limit. */
int64
interval_milliseconds(const Interval *interval)
{
	return (((int64) interval->month * DAYS_PER_MONTH + interval->day) * USECS_PER_DAY +
			interval->time + 999) /
		   1000;
}

/*
 * Arm the timer, for zero not at all; what is beyond a timer's range of 24 days
 * is cut to it.  What goes on for grace ms after the deadline, by catching the
 * cancels, ends with the process; with grace 0 it does not.  From here on a
 * cancel of the caller is remembered too.  Returns false where this was done
 * already: the outer deadline then holds.
 */
bool
deadline_start(int64 milliseconds, int64 grace)
{
	if (armed)
		return false;
	passed = false;
	hard = false;
	hard_at = 0;
	/* One that came a moment ago is for this. */
	cancelled = QueryCancelPending;
	armed = true;
	pqsignal(SIGINT, cancel_handler);
	if (milliseconds > 0)
	{
		TimestampTz at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													 Min(milliseconds, INT_MAX));

		if (timer == MAX_TIMEOUTS)
			timer = RegisterTimeout(USER_TIMEOUT, deadline_handler);
		if (grace > 0)
			hard_at = TimestampTzPlusMilliseconds(at, grace);
		enable_timeout_every(timer, at, REPEAT_EVERY);
	}
	return true;
}

/* Disarm the timer; returns whether the deadline had passed. */
bool
deadline_stop(void)
{
	armed = false;
	pqsignal(SIGINT, StatementCancelHandler);
	if (timer != MAX_TIMEOUTS)
		disable_timeout(timer, false);
	if (passed && !cancelled)
		QueryCancelPending = false;
	return passed && !cancelled;
}

/* Whether the caller was cancelled since deadline_start, be it caught or not. */
bool
deadline_saw_cancel(void)
{
	return cancelled;
}

/* Forget a cancel that an earlier call has seen. */
void
deadline_forget_cancel(void)
{
	cancelled = false;
}

/* Whether this process ends because what it ran went on after its deadline. */
bool
deadline_ends_process(void)
{
	return hard;
}
