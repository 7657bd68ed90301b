/*
 * uncounted.h
 *	  Tables that a call writes to and whose rows the server does not count.
 */
#ifndef WFO_ENGINE_UNCOUNTED_H
#define WFO_ENGINE_UNCOUNTED_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void uncounted_define(void);
extern void uncounted_begin(void);
extern List *uncounted_tables(void);

#endif
