/*
 * confine.h
 *	  Keeps a call in a session away from what the session has.
 */
#ifndef WFO_ENGINE_CONFINE_H
#define WFO_ENGINE_CONFINE_H

#include "postgres.h"

/* Where a tool can do what is refused in a session. */
#define CONFINE_WORKER_HINT \
	"A tool is confined in a session. A background worker can do this: use enqueue_action or " \
	"execute_parallel."

extern void confine_define(void);
extern void confine_session(void);

#endif
