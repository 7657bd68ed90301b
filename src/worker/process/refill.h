/*
 * refill.h
 *	  Looks through the queue for calls of a worker's group.
 *
 * For a worker that is not in a transaction; the look is one of its own.
 */
#ifndef WFO_WORKER_REFILL_H
#define WFO_WORKER_REFILL_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern void refill_group(WorkerSlot *slot);
extern void refill_group_within(WorkerSlot *slot);

#endif
