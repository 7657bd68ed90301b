/*
 * work.h
 *	  What a background worker does with a call, in its own transaction.
 */
#ifndef WFO_ENGINE_WORK_H
#define WFO_ENGINE_WORK_H

#include "postgres.h"

#include "engine/run/queued.h"
#include "utils/guc.h"

/* A call for a worker, and what happened to it before. */
typedef struct WorkItem
{
	QueuedCall call;        /* of a batch where it has no execution_id */
	int64 execution_id;     /* of a batch: under which it may have ended before, or 0 */
	int64 attempts;         /* of a batch: how many were made */
	const int64 *actor_id;  /* of a batch: who asked for it, or NULL */
	const char *login;      /* of a batch */
	int losses;             /* how many workers ended while they ran it */
	const char *lost_to;    /* what ended the last of them, or NULL */
	bool timed_out;         /* the last of them because of the timeout */
	TimestampTz started_at; /* the last start, or 0 */
	bool start_kept;        /* its start is committed: its tool must not be called a second time */
	bool start_told;        /* listeners have been told of its start */
	bool started;           /* this time its tool was about to be called */
	bool called;            /* and has returned: an error from here on undoes what it did */
	bool at_commit;         /* all is done but the commit */
} WorkItem;

typedef enum WorkEnd
{
	WORK_DONE,  /* it has its result */
	WORK_GONE,  /* there is nothing to do any more */
	WORK_LATER, /* try again at a time */
	WORK_STARTED /* its start is written or told: commit, and go on with work_run in another transaction */
} WorkEnd;

typedef struct WorkReport
{
	WorkEnd end;
	int64 execution_id; /* 0: none was written */
	TimestampTz later;
	bool attempted; /* with WORK_LATER: the tool was called */
} WorkReport;

/* Why a running call was cancelled, where nobody asked for it with cancel_execution. */
typedef struct WorkCancel
{
	bool deadlock;
	const char *reason; /* or NULL */
} WorkCancel;

/* What the worker is told meanwhile. */
typedef struct WorkHooks
{
	void (*starts)(int64 execution_id, const char *tool);
	void (*ended)(void);
	bool (*cancelled)(WorkCancel *cancel);
} WorkHooks;

extern void work_run(WorkItem *item, const WorkHooks *hooks, WorkReport *report);
extern void work_fail(WorkItem *item, const ErrorData *error, const WorkHooks *hooks,
					  WorkReport *report);
extern bool work_is_possible(void);
extern void work_lock_out(void);
extern bool work_check_sqlstates(char **list, void **extra, GucSource source);


#endif
