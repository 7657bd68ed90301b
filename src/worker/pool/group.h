/*
 * group.h
 *	  The workers of one role in one database, and the calls that are due for them.
 */
#ifndef WFO_WORKER_GROUP_H
#define WFO_WORKER_GROUP_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern PoolGroup *pool_group(Oid database, Oid role, bool create);
extern void pool_add_task(PoolGroup *group, const Task *task);
extern void pool_wake(PoolGroup *group, int count);
extern int pool_waiting_in_batches(const PoolGroup *group);
extern bool pool_must_make_room(const PoolGroup *own, TimestampTz since);
extern void pool_forget_tasks(PoolGroup *group);
extern void pool_note_failed_start(PoolGroup *group);
extern void pool_announce(Oid database, Oid role, const QueuedCall *calls, int count);

#endif
