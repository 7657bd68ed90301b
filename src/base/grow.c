/*
 * grow.c
 *	  Arrays that grow while they are filled.
 *
 * Owns by how much an array grows.  What is in it is the caller's business.
 */
#include "postgres.h"

#include "base/grow.h"

#define FIRST_SIZE 8

/*
 * Double an array that has room for *size elements, or allocate a new one if
 * array is NULL. Call this through GROW_ARRAY().
 */
void *
grow_array(void *array, int *size, Size element)
{
	Assert((array == NULL) == (*size == 0));
	if (*size > PG_INT32_MAX / 2)
		elog(ERROR, "array of %d elements cannot grow", *size);
	if (array == NULL)
	{
		*size = FIRST_SIZE;
		return MemoryContextAllocHuge(CurrentMemoryContext, FIRST_SIZE * element);
	}
	*size *= 2;
	return repalloc_huge(array, *size * element);
}
