/*
 * kept.h
 *	  The hashes of a leaf whose values have been redacted.
 */
#ifndef WFO_ENGINE_KEPT_H
#define WFO_ENGINE_KEPT_H

#include "postgres.h"

#include "engine/audit/leaf.h"
#include "store/audit_tile.h"

extern bool salts_have_gaps(const LeafSalts *salts);
extern bool redaction_kept(int64 audit_id, LeafKept *kept);

#endif
