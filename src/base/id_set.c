/*
 * id_set.c
 *	  Sets of ids, of which many lie close together.
 *
 * A set is a hash table of bitmaps, each of 256 ids in a row, so that a million
 * ids from a sequence take less than a megabyte.
 */
#include "postgres.h"

#include "base/id_set.h"
#include "utils/hsearch.h"

#define CHUNK_BITS 8
#define CHUNK_WORDS ((1 << CHUNK_BITS) / 64)

typedef struct IdChunk
{
	int64 number; /* the ids shifted down: the key */
	uint64 words[CHUNK_WORDS];
} IdChunk;

struct IdSet
{
	HTAB *chunks;
	IdChunk *last; /* the chunk that was used last, or NULL */
};

/* Make an empty set, in the current memory context. */
IdSet *
id_set_create(const char *name)
{
	IdSet *set = palloc0(sizeof(IdSet));
	HASHCTL info = {.keysize = sizeof(int64),
					.entrysize = sizeof(IdChunk),
					.hcxt = CurrentMemoryContext};

	set->chunks = hash_create(name, 256, &info, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return set;
}

static IdChunk *
find_chunk(IdSet *set, int64 id, HASHACTION action)
{
	int64 number = id >> CHUNK_BITS;
	bool found;

	if (set->last != NULL && set->last->number == number)
		return set->last;
	set->last = hash_search(set->chunks, &number, action, &found);
	if (set->last != NULL && !found)
		memset(set->last->words, 0, sizeof(set->last->words));
	return set->last;
}

static uint64 *
word_of(IdChunk *chunk, int64 id)
{
	return &chunk->words[(id >> 6) & (CHUNK_WORDS - 1)];
}

static uint64
bit_of(int64 id)
{
	return UINT64CONST(1) << (id & 63);
}

void
id_set_add(IdSet *set, int64 id)
{
	*word_of(find_chunk(set, id, HASH_ENTER), id) |= bit_of(id);
}

bool
id_set_has(IdSet *set, int64 id)
{
	IdChunk *chunk = find_chunk(set, id, HASH_FIND);

	return chunk != NULL && (*word_of(chunk, id) & bit_of(id)) != 0;
}

/* Take an id out of a set.  Returns false if it was not in it. */
bool
id_set_remove(IdSet *set, int64 id)
{
	if (!id_set_has(set, id))
		return false;
	*word_of(set->last, id) &= ~bit_of(id);
	return true;
}

static int
compare_chunks(const void *a, const void *b)
{
	int64 left = (*(IdChunk *const *) a)->number;
	int64 right = (*(IdChunk *const *) b)->number;

	return (left > right) - (left < right);
}

/* Visit each id, the lowest first.  The set must not change meanwhile. */
void
id_set_each(IdSet *set, IdVisit visit, void *arg)
{
	long count = hash_get_num_entries(set->chunks);
	IdChunk **chunks = palloc_extended(Max(count, 1) * sizeof(IdChunk *), MCXT_ALLOC_HUGE);
	HASH_SEQ_STATUS status;

	hash_seq_init(&status, set->chunks);
	for (long i = 0; i < count; i++)
		chunks[i] = hash_seq_search(&status);
	hash_seq_term(&status);
	qsort(chunks, count, sizeof(IdChunk *), compare_chunks);
	for (long i = 0; i < count; i++)
		for (int bit = 0; bit < 1 << CHUNK_BITS; bit++)
		{
			int64 id = ((uint64) chunks[i]->number << CHUNK_BITS) + bit;

			if ((*word_of(chunks[i], id) & bit_of(id)) != 0)
				visit(arg, id);
		}
	pfree(chunks);
}
