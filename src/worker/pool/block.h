/*
 * block.h
 *	  Keeps workers out of a database that a command needs for itself.
 *
 * For commands on whole databases.  A block ends with the process that made it.
 */
#ifndef WFO_WORKER_BLOCK_H
#define WFO_WORKER_BLOCK_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern bool pool_is_blocked_locked(Oid database);
extern void pool_block_database(Oid database);
extern void pool_unblock_databases(void);
extern void pool_forget_database(Oid database);

#endif
