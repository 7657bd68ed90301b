/*
 * delegate.h
 *	  Lets somebody review in the role of somebody who is away, for a time.
 */
#ifndef WFO_ENGINE_DELEGATE_H
#define WFO_ENGINE_DELEGATE_H

#include "postgres.h"

#include "utils/timestamp.h"

extern int64 review_delegate(int64 from_actor, int64 to_actor, TimestampTz ends_at);
extern void review_end_delegation(int64 delegation_id, const int64 *actor_id);

#endif
