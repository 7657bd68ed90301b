/*
 * freeze.h
 *	  Times in which nothing executes.
 */
#ifndef WFO_ENGINE_FREEZE_H
#define WFO_ENGINE_FREEZE_H

#include "postgres.h"

#include "utils/timestamp.h"

extern TimestampTz freeze_ends(const char *tool);
extern const int64 *freeze_standing(const char *tool);
extern void freeze_check(const char *tool);

#endif
