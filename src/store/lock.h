/*
 * lock.h
 *	  Locks things that are not rows, and limits how long a call waits for a lock.
 */
#ifndef WFO_STORE_LOCK_H
#define WFO_STORE_LOCK_H

#include "postgres.h"

typedef enum StoreLockSpace
{
	LOCK_WORKFLOW,        /* proposing shares it, ending the workflow excludes */
	LOCK_WORKFLOW_COMMIT, /* the same for the commit of what was proposed */
	LOCK_IDEMPOTENCY_KEY, /* one call at a time proposes with a key */
	LOCK_OPEN_PROPOSALS,  /* one call at a time counts an actor's open proposals */
	LOCK_NAME,            /* one call at a time registers a name */
	LOCK_GRANTS,          /* one call at a time grants or revokes */
	LOCK_POLICY,          /* one call at a time changes the policy */
	LOCK_DELEGATION,      /* one call at a time delegates */
	LOCK_BREAK_GLASS,     /* one break glass of a person at a time */
	LOCK_START,           /* the kept start of an execution, while its worker has it */
	LOCK_ADMINISTRATION,  /* direct changes share it, a built-in tool's call excludes them */
	LOCK_SEAL             /* one round of sealing at a time */
} StoreLockSpace;

typedef enum StoreLockMode
{
	LOCK_SHARED,
	LOCK_EXCLUSIVE
} StoreLockMode;

extern void store_lock_id(StoreLockSpace space, int64 id, StoreLockMode mode);
extern bool store_lock_id_within(StoreLockSpace space, int64 id, StoreLockMode mode, int timeout);
extern void store_unlock_id(StoreLockSpace space, int64 id, StoreLockMode mode);
extern void store_lock_mark(StoreLockSpace space, int64 id);
extern bool store_lock_is_marked(StoreLockSpace space, int64 id);
extern bool store_try_lock_id(StoreLockSpace space, int64 id);
extern bool store_lock_id_in_session(StoreLockSpace space, int64 id);
extern void store_lock_text(StoreLockSpace space, int64 id, const char *text);

/* Takes a lock and waits for it. */
typedef void (*LockTake)(void *arg);

extern void store_lock_wait(LockTake take, void *arg, const char *what);

#endif
