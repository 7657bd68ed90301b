/*
 * open_limit.h
 *	  How many proposals of an actor may be open.
 */
#ifndef WFO_ENGINE_OPEN_LIMIT_H
#define WFO_ENGINE_OPEN_LIMIT_H

#include "postgres.h"

#include "store/lock.h"

/* A proposal that is about to be inserted. */
typedef struct OpenSlot
{
	int64 actor_id;
	int64 proposal_id;
	bool limited;
	StoreLockMode mode; /* of the lock that it has */
} OpenSlot;

extern void open_limit_define(void);
extern void open_limit_take(int64 actor_id, OpenSlot *slot);
extern void open_limit_done(const OpenSlot *slot);

#endif
