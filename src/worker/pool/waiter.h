/*
 * waiter.h
 *	  The processes that wait for an execution.
 *
 * The list only; the wait itself is in client/waiting.c.
 */
#ifndef WFO_WORKER_WAITER_H
#define WFO_WORKER_WAITER_H

#include "postgres.h"

extern int waiter_enter(int64 execution_id);
extern void waiter_note_proposal(int index, int64 proposal_id);
extern void waiter_leave(int code, Datum arg);
extern void waiter_wake_locked(Oid database, int64 execution_id);
extern void waiter_wake(Oid database, int64 execution_id);

#endif
