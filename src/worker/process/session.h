/*
 * session.h
 *	  The session of a worker or keeper.
 *
 * For worker.c, refill.c and keeper.c.  Knows nothing of calls and of the pool.
 */
#ifndef WFO_WORKER_SESSION_H
#define WFO_WORKER_SESSION_H

#include "postgres.h"

extern void session_prepare(void);
extern void session_connect(Oid database, const char *name);
extern void session_begin_transaction(void);
extern void session_commit_transaction(void);
extern void session_clean(void);
extern void session_clean_between(void);

#endif
