/*
 * deadlock.h
 *	  Finds deadlocks between locks and waits for calls.
 *
 * For a process that waits for calls.  It must not hold the pool's lock.
 */
#ifndef WFO_WORKER_DEADLOCK_H
#define WFO_WORKER_DEADLOCK_H

#include "postgres.h"

typedef enum DeadlockOutcome
{
	DEADLOCK_NONE,       /* there is none */
	DEADLOCK_RESOLVED,   /* a running call has been canceled */
	DEADLOCK_NOT_STARTED /* the calls that this process waits for cannot start */
} DeadlockOutcome;

extern DeadlockOutcome deadlock_check(void);

#endif
