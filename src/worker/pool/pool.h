/*
 * pool.h
 *	  The pool of background workers in shared memory.
 *
 * Warm workers are kept by (database, role): a group.  A group knows the first
 * of its due calls, so that a worker need not search the queue for each; the
 * queue's rows stay the truth, and a call that is here but gone there is
 * skipped.  Everything is under one lock, held for a few instructions, and
 * nothing raises an error under it.
 */
#ifndef WFO_WORKER_POOL_H
#define WFO_WORKER_POOL_H

#include "postgres.h"

#include "engine/run/queued.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#define POOL_GROUPS 64
#define POOL_TASKS 512
#define POOL_BATCHES 64
#define POOL_BATCH_ROLES 32
#define POOL_WAITERS 256
#define POOL_BLOCKS 16
#define POOL_VISITS 64
#define POOL_REASON_MAX 256
#define POOL_TOOL_MAX 64
#define POOL_LOSSES 64
#define POOL_LOSS_MAX 256

/* How often no worker may start for a group before its calls are given up. */
#define POOL_FAILED_STARTS 3

/* A due call, and what happened to it before. */
typedef struct Task
{
	QueuedCall call;
	int losses;
	bool timed_out;
	TimestampTz started_at;
} Task;

/* The workers of one role in one database, and what is due for them. */
typedef struct PoolGroup
{
	Oid database; /* InvalidOid: not in use */
	Oid role;
	int ntasks;
	Task tasks[POOL_TASKS];    /* the first to run stands last */
	bool incomplete;           /* the queue may have more of them */
	QueuedCall bound;          /* while incomplete, what comes after this is left there */
	bool bounded;              /* bound has been set */
	bool filling;              /* a worker looks through the queue */
	TimestampTz next_due;      /* when to look again; 0: never */
	int failed_starts;         /* of workers, one after the other */
	TimestampTz retry_start;   /* no worker is started before */
	TimestampTz waiting_since; /* for a worker; 0: it has one, or needs none */
	bool wants_room;           /* the next worker to be done with its call is to end */
	bool wants_room_here;      /* that is, one of the same database */
} PoolGroup;

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_STARTING,
	SLOT_IDLE,
	SLOT_BUSY
} SlotState;

/* A worker. */
typedef struct Slot
{
	SlotState state;
	uint64 generation; /* counts the workers that had this slot */
	int group;
	Oid database;
	Oid role;
	pid_t pid;
	Latch *latch;
	bool filling; /* it looks through the queue for its group */
	bool woken;   /* its latch was set, and it has not looked yet */
	bool evict;   /* it ends instead of taking another call */
	TimestampTz since;

	/* While it is busy. */
	Task task;
	bool exclusive; /* nothing else runs meanwhile */
	int batch;      /* -1: the call is a queued one */
	uint64 batch_generation;
	int batch_call;
	int64 execution_id; /* 0: the tool has not been called yet */
	char tool[POOL_TOOL_MAX];

	/* What somebody asked of it. */
	bool cancelled; /* the end of its batch, or a deadlock: for a queued call
									* cancel_request says it */
	bool deadlock;  /* which */
	char reason[POOL_REASON_MAX];
	TimestampTz end_at; /* of a call that was cancelled: when the worker is ended; 0 */
	bool terminated;    /* it was told to end */
	bool ended_hard;    /* it was, for the time of its batch */
} Slot;

/* An execute_parallel that waits for its calls. */
typedef struct BatchSlot
{
	bool used;
	uint64 generation;
	Oid database;
	dsm_handle handle;
	pid_t caller;
	Latch *latch;
	int ncalls;
	int ndone;
	int nroles;
	Oid roles[POOL_BATCH_ROLES];
	int waiting[POOL_BATCH_ROLES];            /* calls that no worker has taken */
	TimestampTz not_before[POOL_BATCH_ROLES]; /* of them, none runs earlier */
} BatchSlot;

/* A wait_execution. */
typedef struct Waiter
{
	pid_t pid; /* 0: not in use */
	Latch *latch;
	Oid database;
	int64 execution_id;
	int64 proposal_id; /* 0: not known yet */
} Waiter;

/* A call that ran when the server crashed. */
typedef struct Crash
{
	Oid database;
	int64 execution_id;
} Crash;

/* What went wrong with a call that is not in its rows. */
typedef struct LossNote
{
	Oid database;
	int64 execution_id;
	int unrecorded;         /* how often what came of it could not be written */
	TimestampTz not_before; /* so it is not tried again before */
	pid_t sender;           /* of SIGTERM; 0: there was none */
	bool was_itself;
	char error[POOL_LOSS_MAX];
} LossNote;

/* The visit of a database by its keeper. */
typedef struct Keeper
{
	Oid database;       /* InvalidOid: there is none */
	bool done;          /* its process has ended */
	bool finished;      /* it came to the end of its visit */
	bool without_queue; /* the database does not have the extension */
} Keeper;

typedef struct Pool
{
	LWLock *lock;
	Latch *launcher; /* NULL: it does not run */
	bool journal_read;
	uint64 generations;
	int nbatches;
	int nwaiters;
	int nvisits;
	bool visit_all;
	TimestampTz visit_all_at; /* for calls whose group made room; 0: never */
	bool room_wanted;         /* perhaps some group wants room */
	Oid visits[POOL_VISITS];
	struct
	{
		Oid database;
		pid_t pid; /* 0: not in use */
	} blocks[POOL_BLOCKS];
	bool check_roles; /* a role was dropped or changed */
	unsigned next_loss;
	LossNote losses[POOL_LOSSES];
	Keeper keeper;
	PoolGroup groups[POOL_GROUPS];
	BatchSlot batches[POOL_BATCHES];
	Waiter waiters[POOL_WAITERS];
	int ncrashes;
	int nslots;
	Crash *crashes; /* nslots of them */
	Slot slots[FLEXIBLE_ARRAY_MEMBER];
} Pool;

extern Pool *pool; /* NULL: the library was not preloaded */

extern void pool_define(void);

/* Under the lock. */
extern void pool_lock(void);
extern void pool_unlock(void);
extern void pool_wake_launcher(void);
extern void pool_wake_at_unlock(Latch *latch);
extern void pool_request_visit_locked(Oid database);

/* Take the lock themselves. */
extern void pool_request_visit(Oid database);
extern void pool_check_roles(void);

#endif
