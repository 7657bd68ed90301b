/*
 * interval.c
 *	  Intervals as numbers.
 */
#include "postgres.h"

#include "base/interval.h"

/* The length of an interval in ms, months taken as 30 days, rounded up. */
int64
interval_milliseconds(const Interval *interval)
{
	return (((int64) interval->month * DAYS_PER_MONTH + interval->day) * USECS_PER_DAY +
			interval->time + 999) /
		   1000;
}
