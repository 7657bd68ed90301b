/*
 * cache.c
 *	  Keeps what was read from tables or catalogs until it may have changed.
 *
 * Owns the caches of this backend and when they are emptied: by the server's
 * invalidation messages, which arrive when a change commits, and also when the
 * backend's own change is rolled back.  Code that changes a table that a cache
 * depends on must therefore call CacheInvalidateRelcache().  What a value is and
 * how to read it is the caller's business.
 */
#include "postgres.h"

#include "base/cache.h"
#include "base/compat.h"
#include "common/hashfn.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"

/* How much one cache keeps, in bytes. */
#define CACHE_LIMIT ((Size) 2 * 1024 * 1024)

struct Cache
{
	const char *name;
	bool valid;     /* false: empty it before the next use */
	Oid relid;      /* table it depends on */
	bool any_table; /* it depends on all of these catalogs */
	HTAB *entries;
	MemoryContext memory;
	Size size; /* of the values in it, in bytes */
	bool full; /* full: it keeps nothing more, and is emptied before a later transaction uses it */
	LocalTransactionId full_in;
	List *retired; /* memory that a running transaction may still use */
	LocalTransactionId retired_in;
};

typedef struct CacheEntry
{
	uint64 hash; /* of the key; first, as dynahash wants it */
	Size length;
	void *key;
	void *value;
} CacheEntry;

static List *caches = NIL;

static void
invalidate_on_relcache(pg_attribute_unused() Datum arg, Oid relid)
{
	ListCell *cell;

	foreach (cell, caches)
	{
		Cache *cache = lfirst(cell);

		if (!OidIsValid(relid) || cache->any_table || cache->relid == relid)
			cache->valid = false;
	}
}

static void
invalidate_on_syscache(Datum arg, pg_attribute_unused() int cacheid,
					   pg_attribute_unused() uint32 hashvalue)
{
	((Cache *) DatumGetPointer(arg))->valid = false;
}

/* Make a cache, for the life of the backend. */
Cache *
cache_create(const char *name)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Cache *cache = palloc0(sizeof(Cache));

	if (caches == NIL)
		CacheRegisterRelcacheCallback(invalidate_on_relcache, (Datum) 0);
	cache->name = name;
	caches = lappend(caches, cache);
	MemoryContextSwitchTo(old);
	return cache;
}

/* Empty the cache when this table changes. */
void
cache_depend_on_table(Cache *cache, Oid relid)
{
	cache->relid = relid;
}

/* Empty the cache when one of these system caches, or any table's shape, changes. */
void
cache_depend_on_catalogs(Cache *cache, const int *syscaches, int count)
{
	cache->any_table = true;
	for (int i = 0; i < count; i++)
		CacheRegisterSyscacheCallback(syscaches[i], invalidate_on_syscache, PointerGetDatum(cache));
}

/* Free what no transaction can use any more. */
static void
free_retired(Cache *cache)
{
	ListCell *cell;

	if (cache->retired == NIL || cache->retired_in == compat_my_lxid())
		return;
	foreach (cell, cache->retired)
		MemoryContextDelete(lfirst(cell));
	list_free(cache->retired);
	cache->retired = NIL;
}

static void
empty_if_invalid(Cache *cache)
{
	HASHCTL ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(CacheEntry)};

	free_retired(cache);
	if (cache->full && cache->full_in != compat_my_lxid())
		cache->valid = false;
	if (cache->valid)
		return;
	if (cache->memory != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		cache->retired = lappend(cache->retired, cache->memory);
		cache->retired_in = compat_my_lxid();
		MemoryContextSwitchTo(old);
		cache->memory = NULL;
	}
	cache->memory = AllocSetContextCreate(TopMemoryContext, "workflow_orch cache",
										  ALLOCSET_SMALL_SIZES);
	MemoryContextSetIdentifier(cache->memory, cache->name);
	ctl.hcxt = cache->memory;
	cache->entries = hash_create(cache->name, 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cache->size = 0;
	cache->full = false;
	cache->valid = true;
}

/*
 * The memory context in which to build a value: a child of the current one,
 * which cache_put() moves to the cache and an error frees.
 */
MemoryContext
cache_begin_value(void)
{
	return AllocSetContextCreate(CurrentMemoryContext, "workflow_orch cached value",
								 ALLOCSET_SMALL_SIZES);
}

/* Return the value with this key, or NULL. */
void *
cache_get(Cache *cache, const void *key, Size length)
{
	uint64 hash = hash_bytes_extended(key, length, 0);
	CacheEntry *entry;

	AcceptInvalidationMessages();
	empty_if_invalid(cache);
	entry = hash_search_with_hash_value(cache->entries, &hash, (uint32) hash, HASH_FIND, NULL);
	if (entry == NULL || entry->length != length || memcmp(entry->key, key, length) != 0)
		return NULL;
	return entry->value;
}

/* Whether the cache is full.  A full cache keeps nothing more until the transaction ends. */
static bool
is_full(Cache *cache, MemoryContext memory)
{
	if (cache->valid && !cache->full)
	{
		cache->size += MemoryContextMemAllocated(memory, true);
		if (cache->size > CACHE_LIMIT)
		{
			cache->full = true;
			cache->full_in = compat_my_lxid();
		}
	}
	return cache->full;
}

/*
 * Keep a value together with the memory context that it was built in.  If the
 * cache was invalidated while the value was read, later look-ups do not find
 * the value, but it stays valid as one that was found does.  If the cache is
 * full, the value stays in the context that it was built in.
 */
void
cache_put(Cache *cache, const void *key, Size length, void *value, MemoryContext memory)
{
	uint64 hash = hash_bytes_extended(key, length, 0);
	CacheEntry *entry;

	if (is_full(cache, memory))
		return;
	MemoryContextSetParent(memory, cache->memory);
	if (!cache->valid)
		return;
	entry = hash_search_with_hash_value(cache->entries, &hash, (uint32) hash, HASH_ENTER, NULL);
	entry->length = length;
	entry->key = memcpy(MemoryContextAlloc(memory, Max(length, 1)), key, length);
	entry->value = value;
}
