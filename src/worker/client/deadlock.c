/*
 * deadlock.c
 *	  Finds deadlocks between locks and waits for calls.
 *
 * This file owns the graph of waits and the choice of the call to cancel.  It takes no
 * lock that it would wait for, and raises no error about a deadlock: the caller does.
 *
 * A session that waits for calls waits on a latch, which the server's deadlock
 * detector does not see.  So the waiting process looks itself.  It builds the part
 * of the wait-for graph that it can reach, from the server's lock waits
 * (pg_blocking_pids) and from the pool.  A call that no worker has taken waits for
 * the processes that lock what it needs (engine/run/blocker.c).
 *
 * A process that waits for a lock or for running calls needs all of the processes
 * that it waits for to end.  A process whose calls have not started needs any one
 * worker to end.  Graph reduction (R. C. Holt, "Some Deadlock Properties of
 * Computer Systems", ACM Computing Surveys 4(3), 1972) finds the processes that can
 * end; the others that are on a cycle with the waiting process are deadlocked.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/grow.h"
#include "base/settings.h"
#include "catalog/pg_type.h"
#include "engine/run/blocker.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "worker/client/deadlock.h"
#include "worker/pool/group.h"
#include "worker/pool/interrupt.h"
#include "worker/pool/pool.h"

typedef struct Process
{
	pid_t pid;
	List *needs_all; /* indexes of nodes */
	List *needs_any;
	bool waits_for_any;
	bool can_end;
	int slot;      /* -1: it is not a busy worker */
	List *waiters; /* indexes of the nodes that wait for its call */
} Process;

typedef struct WaitGraph
{
	Process *nodes;
	int count;
	int size;
	WorkerSlot *slots; /* copies of the pool's */
	int nslots;
	bool alone; /* a suspect call runs or is to run, while no other call does */
	BatchSlot *batches;
	Waiter *waiters;
} WaitGraph;

static int
node_of(WaitGraph *graph, pid_t pid)
{
	Process *node;

	for (int i = 0; i < graph->count; i++)
		if (graph->nodes[i].pid == pid)
			return i;
	GROW_ARRAY(graph->nodes, graph->count, graph->size);
	node = &graph->nodes[graph->count];
	memset(node, 0, sizeof(Process));
	node->pid = pid;
	node->slot = -1;
	return graph->count++;
}

/* Add the processes that keep a process from the lock that it waits for. */
static void
add_lock_waits(WaitGraph *graph, int index)
{
	ArrayType *array =
		DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids,
											   Int32GetDatum(graph->nodes[index].pid)));
	int32 *pids = (int32 *) ARR_DATA_PTR(array);
	int count = ARR_NDIM(array) > 0 ? ARR_DIMS(array)[0] : 0;

	for (int i = 0; i < count; i++)
	{
		/* 0 is a prepared transaction, which is assumed to end. */
		int other = pids[i] != 0 ? node_of(graph, pids[i]) : -1;

		if (other >= 0)
			graph->nodes[index].needs_all = lappend_int(graph->nodes[index].needs_all, other);
	}
}

static void
add_call_wait(WaitGraph *graph, int index, int slot)
{
	int other = node_of(graph, graph->slots[slot].pid);

	graph->nodes[index].needs_all = lappend_int(graph->nodes[index].needs_all, other);
	graph->nodes[other].waiters = lappend_int(graph->nodes[other].waiters, index);
}

/*
 * Add the wait of a process for any worker of a database.  Nothing is added if a
 * worker is available.  All running calls must end before and after a suspect call.
 */
static void
add_worker_wait(WaitGraph *graph, int index, Oid database)
{
	int used = 0;
	int used_here = 0;
	bool here_only;

	for (int i = 0; i < graph->nslots && graph->alone; i++)
		if (graph->slots[i].state == SLOT_BUSY)
			graph->nodes[index].needs_all = lappend_int(graph->nodes[index].needs_all,
														node_of(graph, graph->slots[i].pid));
	for (int i = 0; i < graph->nslots; i++)
	{
		used += graph->slots[i].state != SLOT_FREE;
		used_here += graph->slots[i].state != SLOT_FREE && graph->slots[i].database == database;
	}
	here_only = setting_max_workers_per_database > 0 &&
				used_here >= setting_max_workers_per_database;
	if (used < setting_max_workers && !here_only)
		return;
	for (int i = 0; i < graph->nslots; i++)
		if (graph->slots[i].state != SLOT_FREE && graph->slots[i].state != SLOT_BUSY &&
			(!here_only || graph->slots[i].database == database))
			return;
	graph->nodes[index].waits_for_any = true;
	for (int i = 0; i < graph->nslots; i++)
		if (graph->slots[i].state == SLOT_BUSY &&
			(!here_only || graph->slots[i].database == database))
		{
			int other = node_of(graph, graph->slots[i].pid);

			graph->nodes[index].needs_any = lappend_int(graph->nodes[index].needs_any, other);
		}
}

/* The argument of add_blocker. */
typedef struct Blocked
{
	WaitGraph *graph;
	int index;
} Blocked;

static void
add_blocker(int pid, void *arg)
{
	const Blocked *blocked = arg;
	WaitGraph *graph = blocked->graph;
	int other = node_of(graph, pid);

	graph->nodes[blocked->index].needs_all = lappend_int(graph->nodes[blocked->index].needs_all,
														 other);
}

/*
 * Add the wait of a process for a call that no worker has taken: for any worker,
 * and for the processes that keep every worker from starting the call.
 */
static void
add_start_waits(WaitGraph *graph, int index, Oid database, int64 proposal_id)
{
	Blocked blocked = {.graph = graph, .index = index};

	add_worker_wait(graph, index, database);
	if (database != MyDatabaseId)
		return;
	blockers_of_calls(add_blocker, &blocked);
	if (proposal_id != 0)
		blockers_of_proposal(proposal_id, add_blocker, &blocked);
}

static void
add_batch_waits(WaitGraph *graph, int index)
{
	pid_t pid = graph->nodes[index].pid;

	for (int i = 0; i < POOL_BATCHES; i++)
	{
		const BatchSlot *batch = &graph->batches[i];
		int waiting = 0;

		if (!batch->used || batch->caller != pid)
			continue;
		for (int j = 0; j < graph->nslots; j++)
			if (graph->slots[j].state == SLOT_BUSY && graph->slots[j].place.batch == i &&
				graph->slots[j].place.generation == batch->generation)
				add_call_wait(graph, index, j);
		for (int j = 0; j < batch->nroles; j++)
			waiting += batch->waiting[j];
		if (waiting > 0)
			add_start_waits(graph, index, batch->database, 0);
	}
}

/*
 * The index of the slot that has a waiter's call now, as it is now; -1: none has it.
 * It is asked for the waiters that are reached only, since the look goes through the
 * calls that wait for a commit, while the pool is locked.
 */
static int
slot_with_call(WaitGraph *graph, const Waiter *waiter)
{
	const WorkerSlot *slot;
	int index = -1;

	if (waiter->execution_id == 0)
		return -1;
	pool_lock();
	slot = pool_find_taken_locked(waiter->database, waiter->execution_id);
	if (slot != NULL)
	{
		index = (int) (slot - pool->slots);
		graph->slots[index] = *slot;
	}
	pool_unlock();
	return index;
}

static void
add_execution_waits(WaitGraph *graph, int index)
{
	pid_t pid = graph->nodes[index].pid;

	for (int i = 0; i < POOL_WAITERS; i++)
	{
		const Waiter *waiter = &graph->waiters[i];
		int slot;

		if (waiter->pid != pid)
			continue;
		slot = slot_with_call(graph, waiter);
		if (slot >= 0)
			add_call_wait(graph, index, slot);
		else
			add_start_waits(graph, index, waiter->database, waiter->proposal_id);
	}
}

static void
build_wait_graph(WaitGraph *graph)
{
	graph->batches = palloc(sizeof(pool->batches));
	graph->waiters = palloc(sizeof(pool->waiters));
	graph->slots = palloc(pool->nslots * sizeof(WorkerSlot));
	pool_lock();
	graph->nslots = pool->nslots;
	memcpy(graph->slots, pool->slots, pool->nslots * sizeof(WorkerSlot));
	memcpy(graph->batches, pool->batches, sizeof(pool->batches));
	memcpy(graph->waiters, pool->waiters, sizeof(pool->waiters));
	for (int i = 0; i < pool->nslots; i++)
		graph->alone |= pool->slots[i].state == SLOT_BUSY && pool->slots[i].exclusive;
	for (int i = 0; i < pool->ngroups; i++)
	{
		const PoolGroup *group = &pool->groups[i];

		graph->alone |= OidIsValid(group->database) && group_is_suspect_locked(group);
	}
	pool_unlock();

	(void) node_of(graph, MyProcPid);
	for (int i = 0; i < graph->count; i++)
	{
		for (int j = 0; j < graph->nslots; j++)
			if (graph->slots[j].state == SLOT_BUSY && graph->slots[j].pid == graph->nodes[i].pid)
				graph->nodes[i].slot = j;
		add_lock_waits(graph, i);
		add_batch_waits(graph, i);
		add_execution_waits(graph, i);
	}
}

static bool
all_can_end(const WaitGraph *graph, const List *nodes)
{
	ListCell *cell;

	foreach (cell, nodes)
		if (!graph->nodes[lfirst_int(cell)].can_end)
			return false;
	return true;
}

static bool
any_can_end(const WaitGraph *graph, const List *nodes)
{
	ListCell *cell;

	foreach (cell, nodes)
		if (graph->nodes[lfirst_int(cell)].can_end)
			return true;
	return false;
}

/* Find the processes that can end, again and again until none is added. */
static void
reduce_wait_graph(WaitGraph *graph)
{
	bool changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < graph->count; i++)
		{
			Process *node = &graph->nodes[i];

			if (!node->can_end && all_can_end(graph, node->needs_all) &&
				(!node->waits_for_any || any_can_end(graph, node->needs_any)))
				node->can_end = changed = true;
		}
	}
}

/* Mark the nodes that can be reached from a node through nodes that cannot end. */
static void
mark_reachable(const WaitGraph *graph, int from, bool *reached)
{
	const Process *node = &graph->nodes[from];
	List *next = list_concat_copy(node->needs_all, node->needs_any);
	ListCell *cell;

	foreach (cell, next)
	{
		int to = lfirst_int(cell);

		if (reached[to] || graph->nodes[to].can_end)
			continue;
		reached[to] = true;
		mark_reachable(graph, to, reached);
	}
	list_free(next);
}

static bool
reaches(const WaitGraph *graph, int from, int to)
{
	bool *reached = palloc0(graph->count * sizeof(bool));

	mark_reachable(graph, from, reached);
	return reached[to];
}

/*
 * The call to cancel: the one that started last, of the calls that are on a cycle
 * with this process and that a process on this cycle waits for.  So each process
 * that finds the deadlock chooses the same call.
 */
static int
choose_victim(const WaitGraph *graph)
{
	int victim = -1;

	for (int i = 1; i < graph->count; i++)
	{
		const Process *node = &graph->nodes[i];
		bool waited_for = false;
		ListCell *cell;

		if (node->can_end || node->slot < 0 || !reaches(graph, i, 0))
			continue;
		foreach (cell, node->waiters)
			waited_for |= lfirst_int(cell) == 0 || reaches(graph, lfirst_int(cell), 0);
		if (waited_for && (victim < 0 || graph->slots[node->slot].since >
											 graph->slots[graph->nodes[victim].slot].since))
			victim = i;
	}
	return victim;
}

/* The slot of the call that was chosen; NULL if this process waits for no running call. */
static const WorkerSlot *
chosen_slot(const WaitGraph *graph, int victim)
{
	return victim >= 0 ? &graph->slots[graph->nodes[victim].slot] : NULL;
}

/* Look once: false if this process can end. */
static bool
look_for_deadlock(WaitGraph *graph, int *victim)
{
	build_wait_graph(graph);
	reduce_wait_graph(graph);
	if (graph->nodes[0].can_end || !reaches(graph, 0, 0))
		return false;
	*victim = choose_victim(graph);
	return true;
}

/*
 * Whether two looks have chosen the same call.  The pool and the locks are not
 * read at the same moment, so a single look can see a wait that is over beside
 * another one that has just begun.
 */
static bool
is_same_victim(const WorkerSlot *a, const WorkerSlot *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->generation == b->generation && a->since == b->since;
}

/*
 * Whether this process, which waits for calls, is deadlocked.  If so, either a
 * running call is canceled, or the caller must give up the calls that have not
 * started.
 */
DeadlockOutcome
deadlock_check(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "deadlock check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	WaitGraph first = {0};
	WaitGraph second = {0};
	int victim;
	int again;
	DeadlockOutcome outcome = DEADLOCK_NONE;

	Assert(pool != NULL && !pool_is_locked());
	Assert(IsTransactionState());
	if (look_for_deadlock(&first, &victim) && look_for_deadlock(&second, &again) &&
		is_same_victim(chosen_slot(&first, victim), chosen_slot(&second, again)))
	{
		const WorkerSlot *slot = chosen_slot(&first, victim);

		/*
		 * A call that has not called its tool cannot record a failure; neither can
		 * a worker that was told to end and has not ended.
		 */
		outcome = slot != NULL && slot->execution_id != 0 && !slot->terminated
					  ? DEADLOCK_RESOLVED
					  : DEADLOCK_NOT_STARTED;
		if (outcome == DEADLOCK_RESOLVED)
			pool_cancel_deadlock(first.nodes[victim].slot, slot);
		ereport(LOG, (errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
					  errmsg("deadlock between process %d and the background workers it waits for",
							 MyProcPid)));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return outcome;
}
