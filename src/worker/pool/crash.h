/*
 * crash.h
 *	  The calls that ran when the server crashed.
 */
#ifndef WFO_WORKER_CRASH_H
#define WFO_WORKER_CRASH_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern bool pool_has_crashed(Oid database);
extern int pool_list_crashes(Oid database, int64 *executions);
extern void pool_forget_crashes(Oid database);

#endif
