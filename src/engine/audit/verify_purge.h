/*
 * verify_purge.h
 *	  Compares the purges with the audit rows that tell of them.
 */
#ifndef WFO_ENGINE_VERIFY_PURGE_H
#define WFO_ENGINE_VERIFY_PURGE_H

#include "postgres.h"

#include "engine/audit/finding.h"
#include "store/purge.h"

/* The purged ranges among the leaves that a pass comes to: see purged_pass_has(). */
typedef struct PurgedPass
{
	MemoryContext memory; /* of the ranges */
	PurgedLeaves *ranges;
	int count;
	int next;   /* the first range that does not end before the present leaf */
	int64 upto; /* the ranges that begin before this leaf are known */
} PurgedPass;

extern void purged_pass_begin(PurgedPass *pass);
extern bool purged_pass_has(PurgedPass *pass, int64 leaf_index);
extern void verify_purges(const Findings *findings);

#endif
