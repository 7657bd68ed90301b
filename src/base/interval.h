/*
 * interval.h
 *	  Intervals as numbers.
 */
#ifndef WFO_BASE_INTERVAL_H
#define WFO_BASE_INTERVAL_H

#include "postgres.h"

#include "utils/timestamp.h"

extern int64 interval_milliseconds(const Interval *interval);

#endif
