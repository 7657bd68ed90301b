/*
 * refusal.h
 *	  Refused attempts on their way to the sealer.
 *
 * The attempts are noted by client/refuse.c and written by process/sealer.c.
 */
#ifndef WFO_WORKER_REFUSAL_H
#define WFO_WORKER_REFUSAL_H

#include "postgres.h"

#include "engine/audit/refused.h"
#include "storage/lwlock.h"

/* What the process that notes an attempt is to do. */
typedef struct RefusalVerdict
{
	bool log;            /* the server's log is to have a line of it */
	bool wake;           /* the sealer is to come at once */
	TimestampTz look_at; /* it is to come then; 0: no matter */
	int64 left_out;      /* of earlier attempts, which nobody else counts in the log; 0: none */
} RefusalVerdict;

/* Where a collected attempt came from. */
typedef struct RefusalPlace
{
	int record; /* -1: from a login's counter */
	int login;
	uint64 generation;
	int64 count; /* 0: it is the first of its kind */
} RefusalPlace;

extern Size refusal_size(void);
extern void refusal_init(void *memory, LWLock *lock, bool found);
extern void refusal_note(Oid database, Oid login, const RefusedAttempt *attempt,
						 RefusalVerdict *verdict);
extern int refusal_collect(Oid database, RefusedAttempt *attempts, RefusalPlace *places, int max);
extern void refusal_forget_written(const RefusalPlace *places, int count);
extern TimestampTz refusal_next(Oid database);
extern bool refusal_is_empty(void);
extern bool refusal_waits(Oid database);
extern void refusal_forget_database(Oid database);

#endif
