/*
 * process.h
 *	  Starts background processes, for the launcher.
 */
#ifndef WFO_WORKER_PROCESS_H
#define WFO_WORKER_PROCESS_H

#include "postgres.h"

#include "postmaster/bgworker.h"

/* What a worker, and a keeper, is told when it is started. */
typedef struct WorkerStart
{
	uint64 generation;
	Oid database;
	Oid role;
} WorkerStart;

extern BackgroundWorkerHandle *process_start(const char *type, const char *function, int index,
											 const WorkerStart *start);
extern bool process_has_stopped(BackgroundWorkerHandle *handle);

#endif
