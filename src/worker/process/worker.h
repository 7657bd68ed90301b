/*
 * worker.h
 *	  A background worker that runs calls as one role in one database.
 *
 * Only its main function, which the launcher has the server start.
 */
#ifndef WFO_WORKER_WORKER_H
#define WFO_WORKER_WORKER_H

#include "postgres.h"

#define WORKER_TYPE "workflow_orch worker"

extern PGDLLEXPORT void wfo_worker_main(Datum slot);

#endif
