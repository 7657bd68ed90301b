/*
 * merge_patch.h
 *	  JSON Merge Patch (RFC 7396) on jsonb values.
 */
#ifndef WFO_MODEL_MERGE_PATCH_H
#define WFO_MODEL_MERGE_PATCH_H

#include "postgres.h"

#include "utils/jsonb.h"

extern Jsonb *merge_patch(Jsonb *target, Jsonb *patch);

#endif
