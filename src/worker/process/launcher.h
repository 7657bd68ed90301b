/*
 * launcher.h
 *	  Starts the background workers that are needed.
 *
 * Only its registration and its main function; nothing calls the launcher.
 */
#ifndef WFO_WORKER_LAUNCHER_H
#define WFO_WORKER_LAUNCHER_H

#include "postgres.h"

extern void launcher_define(void);
extern PGDLLEXPORT void wfo_launcher_main(Datum arg);

#endif
