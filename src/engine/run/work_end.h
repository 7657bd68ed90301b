/*
 * work_end.h
 *	  Writes what became of a call that a worker has.
 *
 * For work.c alone, which has locked the proposal of the call.
 */
#ifndef WFO_ENGINE_WORK_END_H
#define WFO_ENGINE_WORK_END_H

#include "postgres.h"

#include "engine/run/work.h"
#include "engine/tool/result.h"
#include "store/execution.h"
#include "store/proposal.h"
#include "store/queue.h"

/* When to look again at a call whose proposal another session has locked, in ms. */
#define WORK_BUSY_DELAY 50

/* A call whose proposal this transaction has locked, with its rows. */
typedef struct LockedCall
{
	WorkerCall *call;
	WorkReport *report;
	Proposal *proposal;
	QueueRow *queued; /* NULL: the call is of a batch */
	Execution execution;
	ErrorData cancelled; /* for the result of a canceled call */
} LockedCall;

/* When a call was canceled. */
typedef enum CancelMoment
{
	CANCEL_BEFORE_START,
	CANCEL_WHILE_RUNNING /* its tool was called */
} CancelMoment;

extern void work_put_off(LockedCall *locked, TimestampTz until);
extern bool work_error_passes(const ErrorData *error);
extern TimestampTz work_next_attempt_time(const LockedCall *locked);
extern void work_write_execution(LockedCall *locked);
extern void work_write_retry(LockedCall *locked, const CallResult *result, TimestampTz at);
extern void work_write_cancelled(LockedCall *locked, CallResult *result, ErrorData *error);
extern ErrorData *work_cancel_requested(LockedCall *locked, CancelMoment moment);
extern void work_write_end(LockedCall *locked, CallResult *result);
extern void work_count_attempt(LockedCall *locked);
extern bool work_write_if_without_end(LockedCall *locked);
extern bool work_write_verdict(LockedCall *locked);
extern bool work_write_requested_cancel(LockedCall *locked);
extern ErrorData *work_was_cancelled(LockedCall *locked, const WorkHooks *hooks, ErrorData *error);

#endif
