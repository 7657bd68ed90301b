/*
 * refill.h
 *	  Looks through the queue for calls of a worker's group.
 */
#ifndef WFO_WORKER_REFILL_H
#define WFO_WORKER_REFILL_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern void refill_group(Slot *slot);

#endif
