/*
 * replay_standing.h
 *	  How often the audit log says that standing approvals were used.
 */
#ifndef WFO_ENGINE_REPLAY_STANDING_H
#define WFO_ENGINE_REPLAY_STANDING_H

#include "postgres.h"

#include "engine/audit/finding.h"
#include "utils/hsearch.h"

/* The uses by the rows of the log so far. */
typedef struct StandingReplay
{
	HTAB *uses;  /* by standing approval */
	bool purged; /* rows of the log are gone, so there may have been more */
} StandingReplay;

extern void standing_replay_begin(StandingReplay *replay);
extern void standing_replay_row(StandingReplay *replay, const StoredRow *row);
extern void standing_replay_compare(StandingReplay *replay, const Findings *findings);

#endif
