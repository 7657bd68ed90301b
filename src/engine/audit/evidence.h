/*
 * evidence.h
 *	  What evidence() shows of the tree.
 */
#ifndef WFO_ENGINE_EVIDENCE_H
#define WFO_ENGINE_EVIDENCE_H

#include "postgres.h"

#include "utils/jsonb.h"

extern void evidence_check(int64 proposal_id);
extern Jsonb *evidence_leaf(int64 audit_id, int64 size);

#endif
