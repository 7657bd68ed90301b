/*
 * pool.h
 *	  The pool of background workers in shared memory.
 *
 * Workers are kept by (database, role), which is a group.  A group has the first
 * of its due calls, so that a worker does not search the queue for each of them.
 * The rows of the queue are the truth: a worker skips a call that is in the pool
 * but not in the queue.
 *
 * Everything here is protected by one lock, which a process holds for a few
 * instructions; no code raises an error while it holds the lock.  Functions that
 * need the lock end in _locked.
 */
#ifndef WFO_WORKER_POOL_H
#define WFO_WORKER_POOL_H

#include "postgres.h"

#include "engine/run/queued.h"
#include "model/group_size.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#define POOL_GROUPS 1024
#define POOL_CALLS 512
#define POOL_SPARE_LISTS 64 /* lists of calls beside those of max_worker_processes groups */
#define POOL_WISHES 64
#define POOL_BATCHES 64
#define POOL_BATCH_ROLES 32
#define POOL_WAITERS 256
#define POOL_BLOCKS 16
#define POOL_VISITS 64
#define POOL_SEALS 1024
#define POOL_REASON_MAX 256
#define POOL_TOOL_MAX 64
#define POOL_LOSSES 64
#define POOL_LOSS_MAX 256

/* After so many failed starts in a row a group gives up its calls. */
#define POOL_FAILED_STARTS 3

/* A queued call in the pool. */
typedef struct PoolCall
{
	QueuedCall queued;
	CallHistory history;
} PoolCall;

/* A call of a batch. */
typedef struct BatchPlace
{
	int batch;         /* index of its batch; -1: the call is not of a batch */
	uint64 generation; /* of that batch */
	int call;          /* index in the batch */
} BatchPlace;

/* The workers of one role in one database, and the calls that are due for them. */
typedef struct PoolGroup
{
	Oid database; /* InvalidOid: not in use */
	Oid role;
	int next; /* the next group with the same hash, counting from 1; 0: there is none */
	int ncalls;
	PoolCall *calls;           /* POOL_CALLS places; the last call runs first.  NULL: no list */
	bool incomplete;           /* the queue may have more calls */
	QueuedCall bound;          /* while incomplete: calls from this one on that have no history
								* are in the queue only, and the pool has those before it */
	bool bounded;              /* bound is set; if not, the whole queue is to be looked through */
	bool filling;              /* a worker is looking through the queue */
	TimestampTz next_due;      /* when to look again; 0: never */
	int failed_starts;         /* failed starts of workers in a row */
	TimestampTz retry_start;   /* no worker starts before this time */
	TimestampTz waiting_since; /* for a worker that could not be started; 0: it is not waiting */
} PoolGroup;

/* The next worker that finishes its call is to end, so that a group can have one. */
typedef struct RoomWish
{
	const PoolGroup *group;
	bool here; /* a worker of the same database */
} RoomWish;

typedef enum SlotState
{
	SLOT_FREE,
	SLOT_STARTING,
	SLOT_IDLE,
	SLOT_BUSY
} SlotState;

/* A worker. */
typedef struct WorkerSlot
{
	SlotState state;
	uint64 generation; /* identifies the worker that has the slot */
	int group;
	Oid database;
	Oid role;
	pid_t pid;
	Latch *latch;
	bool filling; /* it is looking through the queue for its group */
	bool woken;   /* its latch was set, and it has not looked yet */
	bool evict;   /* it ends instead of taking another call */
	TimestampTz since;
	QueuedCall coming; /* the call to warm up for while it is idle; execution_id is 0: none */

	/* While it is busy. */
	PoolCall call;      /* where place says that it is not of a batch */
	BatchPlace place;   /* where the call is of a batch */
	bool exclusive;     /* no other call runs meanwhile */
	int64 execution_id; /* 0: the tool has not been called yet */
	char tool[POOL_TOOL_MAX];
	int nuncommitted; /* calls that have run in the same transaction: pool_uncommitted_locked() */

	/* What other processes ask of it. */
	bool cancelled; /* because its batch ends or because of a deadlock; requests to cancel a
					 * queued call are rows of cancel_request */
	bool deadlock;  /* it is cancelled because of a deadlock */
	char reason[POOL_REASON_MAX];
	TimestampTz end_at; /* when the launcher ends the worker of a cancelled call; 0: never */
	bool terminated;    /* the launcher has sent SIGTERM */
	bool ended_hard;    /* the launcher has sent SIGTERM, and the call is of a batch */
} WorkerSlot;

/* A call of execute_parallel that waits for its calls. */
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
	int waiting[POOL_BATCH_ROLES];            /* number of calls that no worker has taken */
	TimestampTz not_before[POOL_BATCH_ROLES]; /* none of these calls runs before */
} BatchSlot;

/* A call of wait_execution. */
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

/* What went wrong with a call, as far as its rows do not say it. */
typedef struct LossNote
{
	Oid database;
	int64 execution_id;
	int unrecorded;         /* how often its outcome could not be written */
	TimestampTz not_before; /* it is not tried again before */
	pid_t sender;           /* of SIGTERM; 0: there was none */
	bool was_itself;        /* the worker has sent SIGTERM to itself */
	char error[POOL_LOSS_MAX];
} LossNote;

/* The visit of a database by its keeper. */
typedef struct Keeper
{
	Oid database;       /* InvalidOid: there is none */
	bool done;          /* its process has ended */
	bool finished;      /* it completed its visit */
	bool without_queue; /* the database does not have the extension */
	bool more;          /* it has left something to the next visit */
} Keeper;

/* The process that takes redacted values out of the files of one database. */
typedef struct Cleaner
{
	Oid database;
	pid_t pid; /* 0: there is none */
} Cleaner;

/* A database in which there is, or was, something for the sealer: see seal.c. */
typedef struct SealDatabase
{
	Oid database;           /* InvalidOid: not in use */
	pg_atomic_uint32 due;   /* there is something that no turn has begun to look for */
	bool asked;             /* a process waits for a turn, which does not wait for not_before */
	TimestampTz not_before; /* the next turn does not begin earlier */
	TimestampTz look_at;    /* a turn is due then, whatever happens; 0: none */
	int failures;           /* failed turns in a row */
	uint64 begun;           /* the last turn that has begun, counting from 1 */
	uint64 ended;           /* the last turn that has ended */
	bool failed;            /* that turn failed */
	TimestampTz warned_at;  /* when the log was last warned that rows wait too long */
	int64 rows;             /* sealed in all turns so far */
	char error[POOL_LOSS_MAX];
	ConditionVariable turn_ended;
} SealDatabase;

/* The process that seals, in one database at a time. */
typedef struct Sealer
{
	Oid database; /* InvalidOid: there is none */
	uint64 generation;
	pid_t pid;
	Latch *latch;
	bool turning; /* it is at work */
	bool leave;   /* it is to leave the database at once */
	bool done;    /* the process has ended, or ends */
	bool failed;  /* its turn has failed, or it had none */
} Sealer;

typedef struct Pool
{
	LWLock *lock;
	Latch *launcher; /* NULL: it is not running */
	bool journal_read;
	uint64 generations;
	int nbatches;
	int nwaiters;
	int nvisits;
	bool visit_all;
	TimestampTz visit_all_at; /* for calls whose group was displaced; 0: never */
	int nwishes;
	RoomWish wishes[POOL_WISHES]; /* those of the launcher's last plan that are not fulfilled */
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
	Cleaner cleaner;
	Sealer sealer;
	int nseals; /* places from here on were never in use */
	SealDatabase seals[POOL_SEALS];
	int ngroups;            /* groups from here on are not in use */
	bool group_missing;     /* a role with calls got no group */
	int heads[POOL_GROUPS]; /* the first group of each hash, counting from 1; 0: there is none */
	PoolGroup groups[POOL_GROUPS];
	BatchSlot batches[POOL_BATCHES];
	Waiter waiters[POOL_WAITERS];
	int ncrashes;
	TimestampTz crashed_at; /* when such calls were found; 0: there were none */
	int nslots;
	int nlists;
	PoolCall *lists;         /* POOL_CALLS for each */
	PoolGroup **list_owners; /* NULL: the list is free */
	Crash *crashes;          /* nslots of them */
	PoolCall *uncommitted;   /* GROUP_SIZE_MAX for each slot */
	WorkerSlot slots[FLEXIBLE_ARRAY_MEMBER];
} Pool;

extern Pool *pool; /* NULL: the library is not preloaded */

extern void pool_define(void);

extern void pool_lock(void);
extern void pool_unlock(void);
extern bool pool_is_locked(void);
extern PoolCall *pool_uncommitted_locked(const WorkerSlot *slot);
extern void pool_wake_launcher_locked(void);
extern void pool_wake_at_unlock_locked(Latch *latch);
extern void pool_evict_locked(WorkerSlot *slot);
extern void pool_request_visit_locked(Oid database);
extern void pool_request_visit(Oid database);
extern void pool_check_roles(void);

#endif
