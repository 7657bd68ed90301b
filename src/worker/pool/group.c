/*
 * group.c
 *	  The workers of one role in one database, and the calls that are due for them.
 *
 * A group has the first of its due calls, in order; what it has no room for is
 * left to the next look through the queue.  A look goes on where the last one has
 * ended, unless something says that the group may lack calls before that place.  This
 * file owns the order in a group's list of calls, that place, and the group's times; it
 * starts and ends no process, and reads no table.  Where groups and lists are is the
 * business of group_table.c.
 */
#include "postgres.h"

#include "utils/timestamp.h"
#include "worker/pool/group.h"
#include "worker/pool/group_table.h"
#include "worker/pool/pool.h"

/* Delay after the first failed start of a worker, in ms; it doubles up to 64-fold. */
#define FAILED_START_DELAY 250

/* The queue is looked through while the list has so many calls left, so that it does not run dry. */
#define FEW_CALLS (POOL_CALLS / 4)

/* How long a worker must be idle to warm up for a call, in ms. */
#define COLD_AFTER 1

/* Whether the first call of the group is suspect: it was running when the server crashed. */
bool
group_is_suspect_locked(const PoolGroup *group)
{
	Assert(pool_is_locked());
	return group->ncalls > 0 && group->calls[group->ncalls - 1].queued.suspect;
}

/* The number of calls of batches that wait for a worker of the group. */
int
group_waiting_in_batches_locked(const PoolGroup *group)
{
	int waiting = 0;

	Assert(pool_is_locked());
	if (pool->nbatches == 0)
		return 0;
	for (int i = 0; i < POOL_BATCHES; i++)
	{
		const BatchSlot *batch = &pool->batches[i];

		if (!batch->used || batch->database != group->database)
			continue;
		for (int j = 0; j < batch->nroles; j++)
			if (batch->roles[j] == group->role)
				waiting += batch->waiting[j];
	}
	return waiting;
}

/*
 * Whether a worker of a group, whose turn ends at the given time, must end so that a
 * group without a worker can start one.  If so, the other group's wish is taken as
 * fulfilled.
 */
bool
group_must_make_room_locked(const PoolGroup *own, TimestampTz turn_ends)
{
	Assert(pool_is_locked());
	if (pool->nwishes == 0 || GetCurrentTimestamp() < turn_ends)
		return false;
	for (int i = 0; i < pool->nwishes; i++)
	{
		RoomWish *wish = &pool->wishes[i];

		if (wish->group == own || (wish->here && wish->group->database != own->database))
			continue;
		*wish = pool->wishes[--pool->nwishes];
		return true;
	}
	return false;
}

/* Forget the calls of a group; they are in the queue, where a keeper finds them. */
void
group_forget_calls_locked(PoolGroup *group)
{
	Assert(pool_is_locked());
	group->ncalls = 0;
	group->incomplete = false;
	group->next_due = 0;
}

/* Negative if a runs before b, positive if it runs after b. */
static int
compare_queued_calls(const QueuedCall *a, const QueuedCall *b)
{
	if (a->suspect != b->suspect)
		return a->suspect ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->due_at != b->due_at)
		return a->due_at < b->due_at ? -1 : 1;
	return (a->execution_id > b->execution_id) - (a->execution_id < b->execution_id);
}

/*
 * Leave a call, and all calls after it, to the next look through the queue, which
 * begins with it or earlier.
 */
static void
leave_to_queue_locked(PoolGroup *group, const QueuedCall *call)
{
	Assert(pool_is_locked());
	if (!group->incomplete)
		group->incomplete = group->bounded = true;
	else if (!group->bounded || compare_queued_calls(call, &group->bound) >= 0)
		return;
	group->bound = *call;
}

static void
merge_history(CallHistory *history, const CallHistory *other)
{
	history->losses = Max(history->losses, other->losses);
	history->timed_out |= other->timed_out;
	history->alone |= other->alone;
	history->started_at = Max(history->started_at, other->started_at);
}

/* Whether something has gone wrong with a call that its row in the queue does not say. */
bool
group_call_has_history(const PoolCall *call)
{
	return call->history.losses > 0 || call->history.timed_out || call->history.alone;
}

/*
 * Make room in a list that is full for a call at a place: its place then, or -1 if
 * the call itself is the one to be left to the queue.  That is the one that runs
 * last, of those without a history if there are any, since the queue has no history.
 */
static int
make_room_locked(PoolGroup *group, const PoolCall *call, int place)
{
	bool has_history = group_call_has_history(call);
	int left = 0;

	Assert(pool_is_locked());
	Assert(group->ncalls == POOL_CALLS);
	while (left < POOL_CALLS && group_call_has_history(&group->calls[left]))
		left++;
	if (left == POOL_CALLS ? !has_history || place == 0 : !has_history && place <= left)
		return -1;
	if (left == POOL_CALLS)
		left = 0;
	leave_to_queue_locked(group, &group->calls[left].queued);
	group->ncalls--;
	memmove(&group->calls[left], &group->calls[left + 1],
			(group->ncalls - left) * sizeof(PoolCall));
	return place > left ? place - 1 : place;
}

/*
 * Add a due call to its group.  If the group has it already, its histories are
 * merged; if the group is full, one of its calls is left to the queue.
 */
void
group_add_call_locked(PoolGroup *group, const PoolCall *call)
{
	int low = 0;
	int high = group->ncalls;

	Assert(pool_is_locked());
	Assert(group->ncalls >= 0 && group->ncalls <= POOL_CALLS);
	Assert(call->queued.execution_id != 0);

	if (group->incomplete && group->bounded && !group_call_has_history(call) &&
		compare_queued_calls(&call->queued, &group->bound) >= 0)
		return;
	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = compare_queued_calls(&call->queued, &group->calls[middle].queued);

		if (order == 0)
		{
			merge_history(&group->calls[middle].history, &call->history);
			return;
		}
		if (order > 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (!group_has_list_locked(group))
		low = -1;
	else if (group->ncalls == POOL_CALLS)
		low = make_room_locked(group, call, low);
	if (low < 0)
	{
		leave_to_queue_locked(group, &call->queued);
		return;
	}
	memmove(&group->calls[low + 1], &group->calls[low], (group->ncalls - low) * sizeof(PoolCall));
	group->calls[low] = *call;
	group->ncalls++;
}

/*
 * Whether the list has few calls, or calls that are in the queue only may run before its
 * first one.  Without room in the list they have to wait for it.
 */
static bool
must_look_first_locked(const PoolGroup *group)
{
	Assert(pool_is_locked());
	if (!group->incomplete || group->ncalls == POOL_CALLS)
		return false;
	return group->ncalls <= FEW_CALLS ||
		   (group->bounded &&
			compare_queued_calls(&group->calls[group->ncalls - 1].queued, &group->bound) >= 0);
}

/*
 * Have a worker look through the queue before it takes a call: false if there is no
 * need, or another worker looks.
 */
bool
group_begin_look_locked(PoolGroup *group, WorkerSlot *slot)
{
	Assert(pool_is_locked());
	if (group->filling || !must_look_first_locked(group))
		return false;
	group->filling = true;
	slot->filling = true;
	return true;
}

/*
 * Where a look begins: false for the start of the queue, or true and *from is set to the
 * first call that it reads.  Suspect calls run first, wherever they stand in the queue.
 * Returns into *room how many calls it has to find.
 */
bool
group_place_to_look_locked(PoolGroup *group, QueuedCall *from, int *room)
{
	bool bounded = group->incomplete && group->bounded && !group->bound.suspect;

	Assert(pool_is_locked());
	Assert(group->filling);
	if (bounded)
		*from = group->bound;
	*room = Max(POOL_CALLS - group->ncalls, 1);
	group->incomplete = false;
	group->bounded = false;
	return bounded;
}

/* End a look; if it has not come to the end of the queue, last is the call that it read last. */
void
group_end_look_locked(PoolGroup *group, WorkerSlot *slot, const QueuedCall *last)
{
	Assert(pool_is_locked());
	group->filling = false;
	slot->filling = false;
	if (last != NULL)
	{
		QueuedCall next = *last;

		next.suspect = false;
		next.execution_id++;
		leave_to_queue_locked(group, &next);
	}
}

/* End the look of a worker that has failed, if there is one. */
void
group_give_up_look_locked(PoolGroup *group, WorkerSlot *slot)
{
	Assert(pool_is_locked());
	if (!slot->filling)
		return;
	group_end_look_locked(group, slot, NULL);
	group->incomplete = true;
	group->bounded = false;
}

/* Whether a worker of the role is idle, and nobody has woken it. */
static bool
is_free_locked(const WorkerSlot *slot, Oid database, Oid role)
{
	Assert(pool_is_locked());
	return slot->state == SLOT_IDLE && !slot->woken && !slot->evict && slot->database == database &&
		   slot->role == role;
}

/*
 * Wake one idle worker of the group per call, and the launcher if there are too few.
 * The launcher looks at a group that waits for a worker by itself.
 */
void
group_wake_locked(PoolGroup *group, int count)
{
	Assert(pool_is_locked());
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];

		if (count > 0 && is_free_locked(slot, group->database, group->role))
		{
			slot->woken = true;
			pool_wake_at_unlock_locked(slot->latch);
			count--;
		}
	}
	if (count > 0 && group->waiting_since == 0)
		pool_wake_launcher_locked();
}

/* Have the group's queue looked through at the given time, or earlier. */
void
group_look_at_locked(PoolGroup *group, TimestampTz at)
{
	Assert(pool_is_locked());
	if (group->next_due != 0 && group->next_due <= at)
		return;
	group->next_due = at;
	pool_wake_launcher_locked();
}

/* Have the next worker of the group look through the whole queue. */
void
group_look_now_locked(PoolGroup *group)
{
	Assert(pool_is_locked());
	group->incomplete = true;
	group->bounded = false;
	group_wake_locked(group, 1);
}

/*
 * Have the worker that the call is going to wake warm up for it, while the call's
 * transaction commits; a worker that has just run a call is warm.  The commit wakes
 * it once more.
 */
void
group_warm_up(Oid database, Oid role, const QueuedCall *queued)
{
	TimestampTz now = GetCurrentTimestamp();

	if (queued->due_at > now)
		return;
	pool_lock();
	for (int i = 0; i < pool->nslots; i++)
	{
		WorkerSlot *slot = &pool->slots[i];

		if (!is_free_locked(slot, database, role))
			continue;
		if (now >= TimestampTzPlusMilliseconds(slot->since, COLD_AFTER))
		{
			slot->coming = *queued;
			pool_wake_at_unlock_locked(slot->latch);
		}
		break;
	}
	pool_unlock();
}

/*
 * Tell the pool of a call whose transaction has committed.  Since it is called
 * after the commit, it must not raise an error.  A call whose role gets no group is
 * found by a keeper: see group_table.c.
 */
void
group_announce_locked(Oid database, Oid role, const QueuedCall *queued)
{
	PoolGroup *group = group_make_locked(database, role);

	Assert(pool_is_locked());
	if (group != NULL && queued->due_at <= GetCurrentTimestamp())
	{
		group_add_call_locked(group, &(PoolCall){.queued = *queued});
		group_wake_locked(group, 1);
	}
	else if (group != NULL)
		group_look_at_locked(group, queued->due_at);
}

/*
 * Note that a worker for the group could not be started.  The delay before the
 * next start grows, and a keeper checks whether the role can connect at all.
 */
void
group_note_failed_start_locked(PoolGroup *group)
{
	int64 delay = (int64) FAILED_START_DELAY << Min(group->failed_starts, 6);

	Assert(pool_is_locked());
	group->failed_starts++;
	/* If these calls can still run, the keeper finds them in the queue. */
	if (group->failed_starts >= POOL_FAILED_STARTS)
		group_forget_calls_locked(group);
	group->retry_start = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay);
	pool_request_visit_locked(group->database);
}
