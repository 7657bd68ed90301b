/*
 * deadlock.h
 *	  Finds deadlocks between locks and waiting for calls.
 */
#ifndef WFO_WORKER_DEADLOCK_H
#define WFO_WORKER_DEADLOCK_H

#include "postgres.h"

typedef enum DeadlockOutcome
{
	DEADLOCK_NONE,       /* the wait can end by itself */
	DEADLOCK_RESOLVED,   /* it could not: a call has been cancelled */
	DEADLOCK_NOT_STARTED /* it could not, and what is waited for has not started */
} DeadlockOutcome;

extern DeadlockOutcome deadlock_check(void);

#endif
