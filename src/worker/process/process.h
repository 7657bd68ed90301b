/*
 * process.h
 *	  Starts background processes, for the launcher.
 *
 * Says how to start a process, and not which one.
 */
#ifndef WFO_WORKER_PROCESS_H
#define WFO_WORKER_PROCESS_H

#include "postgres.h"

#include "postmaster/bgworker.h"

/* What a worker or keeper is told when it is started; a keeper only its database. */
typedef struct WorkerStart
{
	uint64 generation;
	Oid database;
	Oid role;
} WorkerStart;

extern BackgroundWorkerHandle *process_start(const char *type, const char *function, int argument,
											 const WorkerStart *start);
extern void process_report_no_slot(const char *what);
extern bool process_has_stopped(BackgroundWorkerHandle *handle);

#endif
