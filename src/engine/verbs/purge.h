/*
 * purge.h
 *	  Purges workflows that ended long ago.
 */
#ifndef WFO_ENGINE_VERBS_PURGE_H
#define WFO_ENGINE_VERBS_PURGE_H

#include "postgres.h"

#include "utils/timestamp.h"

extern int64 workflows_purge(TimestampTz ended_before, const int64 *actor_id, const char *reason,
							 int64 limit);

#endif
