/*
 * crash.h
 *	  The calls that ran when the server crashed.
 *
 * The list is read and changed by these functions alone, under the pool's lock.
 */
#ifndef WFO_WORKER_CRASH_H
#define WFO_WORKER_CRASH_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "worker/pool/pool.h"

extern bool pool_has_crashed_locked(Oid database);
extern int pool_list_crashes(Oid database, int64 *executions);
extern void pool_add_crash_locked(Oid database, int64 execution_id);
extern void pool_forget_crashes(Oid database);
extern void pool_forget_crashes_elsewhere_locked(const List *databases);

#endif
