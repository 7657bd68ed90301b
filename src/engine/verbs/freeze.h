/*
 * freeze.h
 *	  Adds and removes times in which nothing executes.
 */
#ifndef WFO_ENGINE_FREEZE_H
#define WFO_ENGINE_FREEZE_H

#include "postgres.h"

#include "utils/timestamp.h"

extern int64 freeze_add(const char *title, TimestampTz starts_at, TimestampTz ends_at,
						const char *tool);
extern void freeze_remove(int64 freeze_id);

#endif
