/*
 * plan.h
 *	  Which workers to start next, and which ones to end for them.
 *
 * For the launcher.  Changes slots and groups in the pool; starts no process.
 */
#ifndef WFO_WORKER_PLAN_H
#define WFO_WORKER_PLAN_H

#include "postgres.h"

#include "worker/pool/pool.h"
#include "worker/process/process.h"

/* How long the launcher sleeps at most while a start or a visit is to be tried again, in ms. */
#define RETRY_EVERY 100

/* Which workers can make room. */
typedef enum RoomScope
{
	ROOM_ANYWHERE,
	ROOM_IN_DATABASE /* those in the database of the group */
} RoomScope;

/* What the room is for. */
typedef enum RoomPurpose
{
	ROOM_FOR_FIRST_WORKER,
	ROOM_FOR_ANOTHER_WORKER
} RoomPurpose;

extern bool plan_start_locked(int free_slot, WorkerStart *start, TimestampTz *until);
extern void plan_make_room_locked(PoolGroup *group, RoomScope scope, RoomPurpose purpose);
extern void plan_keep_limits(void);

#endif
