/*
 * start.h
 *	  The start of a call that is never run twice, kept before its tool is called.
 *
 * For work.c and work_end.c, which have locked the proposal of the call.
 */
#ifndef WFO_ENGINE_START_H
#define WFO_ENGINE_START_H

#include "postgres.h"

#include "engine/run/approved.h"
#include "store/execution.h"
#include "store/queue.h"

extern bool start_is_kept(const ApprovedCall *call);
extern bool start_keep(Execution *execution, const ApprovedCall *call, QueueRow *queued);
extern bool start_has_no_end(const Execution *execution);
extern ErrorData *start_lost_error(const Execution *execution, const char *cause);

#endif
