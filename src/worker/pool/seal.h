/*
 * seal.h
 *	  The databases in which the sealer has something to do.
 *
 * The process itself is process/sealer.c; who waits for it is client/sealing.c.
 */
#ifndef WFO_WORKER_SEAL_H
#define WFO_WORKER_SEAL_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern void seal_want(Oid database);
extern void seal_want_at(Oid database, TimestampTz at);
extern SealDatabase *seal_ask_locked(Oid database);
extern SealDatabase *seal_find_locked(Oid database);
extern SealDatabase *seal_next_locked(TimestampTz now, TimestampTz *until);
extern void seal_begin_turn_locked(SealDatabase *seal);
extern void seal_end_turn_locked(SealDatabase *seal, int64 rows, TimestampTz look_at);
extern void seal_fail_turn_locked(SealDatabase *seal, const char *error);
extern bool seal_may_warn(Oid database, TimestampTz now);
extern void seal_leave_locked(void);
extern void seal_forget_locked(SealDatabase *seal, const char *error);

#endif
