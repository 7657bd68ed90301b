/*
 * blocker.h
 *	  Which processes keep a queued call from starting.
 *
 * For the search for deadlocks.  Takes no lock that it would wait for.
 */
#ifndef WFO_ENGINE_BLOCKER_H
#define WFO_ENGINE_BLOCKER_H

#include "postgres.h"

typedef void (*BlockerVisit)(int pid, void *arg);

extern void blockers_of_calls(BlockerVisit visit, void *arg);
extern void blockers_of_proposal(int64 proposal_id, BlockerVisit visit, void *arg);

#endif
