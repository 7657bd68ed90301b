/*
 * finish.h
 *	  Writes what came of a call that has run in a session.
 */
#ifndef WFO_ENGINE_FINISH_H
#define WFO_ENGINE_FINISH_H

#include "postgres.h"

#include "engine/run/approved.h"

extern Jsonb *finish_call(const ApprovedCall *call, const Run *run, const char *login,
						  CallResult *result);
extern void finish_watch(const ApprovedCall *call, const Run *run, int64 timeout,
						 TimestampTz started_at);
extern void finish_unwatch(void);

#endif
