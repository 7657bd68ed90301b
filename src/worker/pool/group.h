/*
 * group.h
 *	  The workers of one role in one database, and the calls that are due for them.
 *
 * The list of calls in a group is changed by these functions alone.  They start and
 * end no process.
 */
#ifndef WFO_WORKER_GROUP_H
#define WFO_WORKER_GROUP_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern bool group_call_has_history(const PoolCall *call);
extern void group_add_call_locked(PoolGroup *group, const PoolCall *call);
extern bool group_begin_look_locked(PoolGroup *group, WorkerSlot *slot);
extern bool group_place_to_look_locked(PoolGroup *group, QueuedCall *from, int *room);
extern void group_end_look_locked(PoolGroup *group, WorkerSlot *slot, const QueuedCall *last);
extern void group_give_up_look_locked(PoolGroup *group, WorkerSlot *slot);
extern bool group_is_suspect_locked(const PoolGroup *group);
extern void group_look_at_locked(PoolGroup *group, TimestampTz at);
extern void group_look_now_locked(PoolGroup *group);
extern void group_wake_locked(PoolGroup *group, int count);
extern int group_waiting_in_batches_locked(const PoolGroup *group);
extern bool group_must_make_room_locked(const PoolGroup *own, TimestampTz turn_ends);
extern void group_forget_calls_locked(PoolGroup *group);
extern void group_note_failed_start_locked(PoolGroup *group);
extern void group_warm_up(Oid database, Oid role, const QueuedCall *queued);
extern void group_announce_locked(Oid database, Oid role, const QueuedCall *queued);

#endif
