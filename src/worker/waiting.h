/*
 * waiting.h
 *	  Waits for executions that workers run.
 */
#ifndef WFO_WORKER_WAITING_H
#define WFO_WORKER_WAITING_H

#include "postgres.h"

#include "utils/jsonb.h"

extern Jsonb *wait_for_execution(int64 execution_id, int64 timeout);
extern void waiting_wake(Oid database, int64 execution_id);

#endif
