/*
 * cancel.h
 *	  Cancels an execution that has not ended.
 */
#ifndef WFO_ENGINE_CANCEL_H
#define WFO_ENGINE_CANCEL_H

#include "postgres.h"

#include "store/cancel_request.h"

typedef enum CancelOutcome
{
	CANCEL_DONE,     /* it was not running, and will not */
	CANCEL_REQUESTED /* its worker is to be told at the commit */
} CancelOutcome;

/* Whether a worker has taken a call. */
typedef bool (*CancelIsTaken)(int64 execution_id);

extern CancelOutcome execution_cancel(int64 execution_id, const int64 *actor_id, const char *reason,
									  CancelIsTaken is_taken);
extern bool cancel_is_requested(int64 execution_id);
extern char *cancel_request_text(const CancelRequest *request);

#endif
