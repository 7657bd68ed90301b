/*
 * grow.h
 *	  Arrays that grow while they are filled.
 *
 * An array starts as NULL with a size of 0.  The caller keeps the count and the
 * size; grow.c owns by how much an array grows, which may take it beyond 1 GB.
 */
#ifndef WFO_BASE_GROW_H
#define WFO_BASE_GROW_H

#include "postgres.h"

/*
 * Make room for one more element after the first count.  This changes array and
 * size.  The array is allocated in the current memory context and stays in that
 * one.
 */
#define GROW_ARRAY(array, count, size) \
	do \
	{ \
		Assert((count) <= (size)); \
		if ((count) == (size)) \
			(array) = grow_array((array), &(size), sizeof(*(array))); \
	} while (0)

extern void *grow_array(void *array, int *size, Size element);

#endif
