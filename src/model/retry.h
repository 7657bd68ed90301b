/*
 * retry.h
 *	  Decides whether and when a failed call is tried again.
 */
#ifndef WFO_MODEL_RETRY_H
#define WFO_MODEL_RETRY_H

#include "postgres.h"

extern bool retry_list_is_valid(const char *list);
extern bool retry_list_has(const char *list, const char *sqlstate);
extern int64 retry_delay(int64 attempt, int64 base, int64 limit, double random);

#endif
