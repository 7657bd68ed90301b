/*
 * worker.h
 *	  A background worker that runs calls as one role in one database.
 */
#ifndef WFO_WORKER_WORKER_H
#define WFO_WORKER_WORKER_H

#include "postgres.h"

#define WORKER_TYPE "workflow_orch worker"

/* What a worker, and a keeper, is told when it is started. */
typedef struct WorkerStart
{
	uint64 generation;
	Oid database;
	Oid role;
} WorkerStart;

extern PGDLLEXPORT void wfo_worker_main(Datum slot);

#endif
