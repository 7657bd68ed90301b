/*
 * work_end.h
 *	  Writes what became of a call that a worker has.
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
#define BUSY_DELAY 50

/* A call that is under way. */
typedef struct Work
{
	WorkItem *item;
	WorkReport *report;
	Proposal *proposal;
	QueueRow *queued; /* NULL: of a batch */
	Execution execution;
	ErrorData cancelled; /* what the result of a cancelled call says */
} Work;

extern void work_put_off(Work *work, TimestampTz until);
extern bool work_error_passes(const ErrorData *error);
extern TimestampTz work_retry_time(const Work *work, const ErrorData *error, bool passing);
extern void work_write_execution(Work *work);
extern void work_write_retry(Work *work, const CallResult *result, TimestampTz at);
extern void work_write_cancelled(Work *work, CallResult *result, ErrorData *error);
extern ErrorData *work_cancel_requested(Work *work, bool ran);
extern void work_write_end(Work *work, CallResult *result);
extern void work_count_attempt(Work *work);
extern bool work_write_if_without_end(Work *work);
extern bool work_write_verdict(Work *work);
extern bool work_write_requested_cancel(Work *work);
extern ErrorData *work_was_cancelled(Work *work, const WorkHooks *hooks, ErrorData *error);

#endif
