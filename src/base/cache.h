/*
 * cache.h
 *	  Keeps what was read from tables or catalogs until it may have changed.
 *
 * A value that was found stays valid until the end of the transaction, even if
 * the cache is invalidated meanwhile; a later look-up then does not find it.
 * When a transaction has used more than a cache keeps, a further value lives
 * only as long as the caller's memory context.
 */
#ifndef WFO_BASE_CACHE_H
#define WFO_BASE_CACHE_H

#include "postgres.h"

typedef struct Cache Cache;

extern Cache *cache_create(const char *name);
extern void *cache_get(Cache *cache, const void *key, Size length);
extern MemoryContext cache_begin_value(void);
extern void cache_put(Cache *cache, const void *key, Size length, void *value,
					  MemoryContext memory);
extern void cache_depend_on_table(Cache *cache, Oid relid);
extern void cache_depend_on_catalogs(Cache *cache, const int *caches, int count);

#endif
