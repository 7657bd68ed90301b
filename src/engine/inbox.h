/*
 * inbox.h
 *	  What waits for a reviewer, and what a proposal waits for.
 */
#ifndef WFO_ENGINE_INBOX_H
#define WFO_ENGINE_INBOX_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "utils/tuplestore.h"

extern void inbox_read(const int64 *actor_id, Tuplestorestate *rows, TupleDesc desc);
extern char *proposal_needs(int64 proposal_id);
extern int64 proposal_count_rebound(int64 proposal_id);

#endif
