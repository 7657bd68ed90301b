/*
 * work.h
 *	  What a background worker does with a call, in its own transaction.
 *
 * For workers, which begin and commit the transactions.  Knows nothing of processes
 * and of the pool.
 */
#ifndef WFO_ENGINE_WORK_H
#define WFO_ENGINE_WORK_H

#include "postgres.h"

#include "engine/run/queued.h"
#include "utils/guc.h"

/* A call in the hands of a worker, from the queue or from a batch. */
typedef struct WorkerCall
{
	QueuedCall queued; /* without an execution_id if it is of a batch */
	CallHistory history;
	const char *lost_to; /* what ended the last worker that it was lost to; or NULL */

	/* Where it is of a batch. */
	int64 execution_id;    /* under which it may have ended before; 0: none */
	int64 attempts;        /* that were made before */
	const int64 *actor_id; /* the actor that has asked for it; or NULL */
	const char *login;     /* the caller's */

	bool shares; /* the transaction has run other calls, and more may follow */

	/* How far it has come. */
	bool start_kept; /* its start is committed: its tool must not be called a second time */
	bool start_told; /* listeners have been told of its start */
	bool started;    /* its tool was about to be called */
	bool called;     /* its tool has returned: an error from here on undoes what it did */
	bool at_commit;  /* everything but the commit is done */
} WorkerCall;

typedef enum WorkEnd
{
	WORK_DONE,    /* the call has its result */
	WORK_GONE,    /* there is nothing to do any more */
	WORK_LATER,   /* try the call again at a time */
	WORK_STARTED, /* commit, and call work_run() once more in another transaction */
	WORK_ALONE    /* nothing was done: the call needs a transaction of its own */
} WorkEnd;

/* What became of a call. */
typedef struct WorkReport
{
	WorkEnd end;
	int64 execution_id; /* 0: none was written */
	TimestampTz later;  /* with WORK_LATER: when to try it again */
	bool attempted;     /* with WORK_LATER: the tool was called */
	int64 group_size;   /* how many calls of the tool may share a transaction; 0: not known */
} WorkReport;

/* Why a running call was canceled other than by cancel_execution. */
typedef struct WorkCancel
{
	bool deadlock;
	const char *reason; /* a sentence; or NULL */
} WorkCancel;

/* What a worker is told and asked while it runs a call. */
typedef struct WorkHooks
{
	void (*starts)(int64 execution_id, const char *tool); /* the tool is about to be called */
	void (*ended)(void);                                  /* the tool has returned */
	bool (*cancelled)(WorkCancel *cancel);                /* whether the call was canceled */
} WorkHooks;

extern void work_run(WorkerCall *call, const WorkHooks *hooks, WorkReport *report);
extern void work_warm_up(const QueuedCall *call);
extern void work_fail(WorkerCall *call, const ErrorData *error, const WorkHooks *hooks,
					  WorkReport *report);
extern bool work_is_possible(void);
extern bool work_lock_in(void);
extern void work_lock_out(void);
extern void work_share_begin(void);
extern void work_share_end(void);
extern bool work_check_sqlstates(char **list, void **extra, GucSource source);


#endif
