/*
 * status.h
 *	  Shows the workers, for list_workers.
 *
 * Reads the pool and changes nothing.
 */
#ifndef WFO_WORKER_STATUS_H
#define WFO_WORKER_STATUS_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "utils/tuplestore.h"

extern bool status_has_pool(void);
extern void status_list(Tuplestorestate *rows, TupleDesc desc);

#endif
