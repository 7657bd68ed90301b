/*
 * announce.h
 *	  Tells the workers of queued and canceled calls when their transaction
 *	  commits.
 *
 * To be called in the transaction that queues or cancels a call; the pool learns of
 * it at the commit.
 */
#ifndef WFO_WORKER_ANNOUNCE_H
#define WFO_WORKER_ANNOUNCE_H

#include "postgres.h"

#include "engine/run/queued.h"

extern void announce_define(void);
extern void announce_cancel(int64 execution_id);
extern void announce_visit(void);
extern void announce_roles(void);

#endif
