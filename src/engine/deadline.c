/*
 * deadline.c
 *	  Cancels what runs too long.
 *
 * statement_timeout is armed once per statement of the client and does nothing
 * when it is set inside one, so a tool's timeout has a timer of its own.  It
 * cancels as a cancel request does, and remembers that it did: a tool that
 * catches the cancel has timed out all the same.
 */
#include "postgres.h"

#include <limits.h>
#include <signal.h>

#include "engine/deadline.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"

static TimeoutId timer = MAX_TIMEOUTS; /* not registered yet */
static bool armed = false;
static volatile sig_atomic_t passed = false;

static void
deadline_handler(void)
{
	passed = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
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
 * is cut to it.  Returns false where one is running already: the outer deadline
 * then holds.
 */
bool
deadline_start(int64 milliseconds)
{
	if (armed)
		return false;
	passed = false;
	armed = true;
	if (milliseconds > 0)
	{
		if (timer == MAX_TIMEOUTS)
			timer = RegisterTimeout(USER_TIMEOUT, deadline_handler);
		enable_timeout_after(timer, (int) Min(milliseconds, INT_MAX));
	}
	return true;
}

/* Disarm the timer; returns whether the deadline had passed. */
bool
deadline_stop(void)
{
	armed = false;
	if (timer != MAX_TIMEOUTS)
		disable_timeout(timer, false);
	if (passed)
		QueryCancelPending = false;
	return passed;
}
