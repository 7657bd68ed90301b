/*
 * utility.h
 *	  Makes room for commands that need a database for themselves.
 *
 * Set up once, when the library is preloaded.
 */
#ifndef WFO_WORKER_UTILITY_H
#define WFO_WORKER_UTILITY_H

#include "postgres.h"

extern void utility_define(void);

#endif
