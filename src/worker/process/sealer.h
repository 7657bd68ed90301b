/*
 * sealer.h
 *	  The background worker that seals the audit log.
 *
 * Its main function, and what the launcher does to have it run where it is needed.
 */
#ifndef WFO_WORKER_SEALER_H
#define WFO_WORKER_SEALER_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define SEALER_TYPE "workflow_orch sealer"

extern void sealer_take_over(void);
extern void sealer_reap(void);
extern void sealer_start(TimestampTz *until);
extern PGDLLEXPORT void wfo_sealer_main(Datum arg);

#endif
