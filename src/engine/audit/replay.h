/*
 * replay.h
 *	  What the audit log says that rows must be.
 */
#ifndef WFO_ENGINE_REPLAY_H
#define WFO_ENGINE_REPLAY_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/timestamp.h"

extern char *replay_text(Jsonb *details, const char *key);
extern int64 replay_int64(Jsonb *details, const char *key);
extern bool replay_is_near(TimestampTz time, TimestampTz occurred_at);
extern bool replay_is_of_call(TimestampTz time, TimestampTz occurred_at);
extern bool replay_is_time(Jsonb *details, const char *key, TimestampTz time);
extern bool replay_is_same_id(const int64 *a, const int64 *b);

#endif
