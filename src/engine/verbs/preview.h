/*
 * preview.h
 *	  Shows a reviewer what a call would do, by running it and rolling it back.
 */
#ifndef WFO_ENGINE_PREVIEW_H
#define WFO_ENGINE_PREVIEW_H

#include "postgres.h"

#include "utils/jsonb.h"

extern Jsonb *preview(int64 proposal_id, const int64 *actor_id);

#endif
