/*
 * cleaner.h
 *	  A background worker that takes redacted values out of files.
 */
#ifndef WFO_WORKER_CLEANER_H
#define WFO_WORKER_CLEANER_H

#include "postgres.h"

#define CLEANER_TYPE "workflow_orch cleaner"

extern void cleaner_start(void);
extern PGDLLEXPORT void wfo_cleaner_main(Datum arg);

#endif
