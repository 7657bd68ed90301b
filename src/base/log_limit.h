/*
 * log_limit.h
 *	  Limits how many lines of one kind a backend writes to the server log.
 */
#ifndef WFO_BASE_LOG_LIMIT_H
#define WFO_BASE_LOG_LIMIT_H

#include "postgres.h"

extern bool log_limit_pass(const char *kind, int64 id);

#endif
