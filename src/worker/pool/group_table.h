/*
 * group_table.h
 *	  Where the groups of the pool and their lists of calls are.
 */
#ifndef WFO_WORKER_GROUP_TABLE_H
#define WFO_WORKER_GROUP_TABLE_H

#include "postgres.h"

#include "worker/pool/pool.h"

extern PoolGroup *group_find_locked(Oid database, Oid role);
extern PoolGroup *group_make_locked(Oid database, Oid role);
extern void group_free_locked(PoolGroup *group);
extern bool group_has_list_locked(PoolGroup *group);

#endif
