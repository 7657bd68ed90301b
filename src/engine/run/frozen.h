/*
 * frozen.h
 *	  Whether a freeze keeps a tool from running now.
 */
#ifndef WFO_ENGINE_FROZEN_H
#define WFO_ENGINE_FROZEN_H

#include "postgres.h"

#include "utils/timestamp.h"

extern TimestampTz freeze_ends(const char *tool);
extern const int64 *freeze_standing(const char *tool);
extern void freeze_check(const char *tool);

#endif
