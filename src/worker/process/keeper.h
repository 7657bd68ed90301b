/*
 * keeper.h
 *	  A background worker that looks after the queue of one database.
 *
 * Only its main function, which visit.c has the server start.
 */
#ifndef WFO_WORKER_KEEPER_H
#define WFO_WORKER_KEEPER_H

#include "postgres.h"

#define KEEPER_TYPE "workflow_orch keeper"

extern PGDLLEXPORT void wfo_keeper_main(Datum arg);

#endif
