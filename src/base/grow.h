/*
 * grow.h
 *	  Arrays that grow while they are filled.
 *
 * An array starts as NULL with a size of 0.  The caller keeps its count and its
 * size; this file owns how much it grows and that it can exceed 1 GB.
 */
#ifndef WFO_BASE_GROW_H
#define WFO_BASE_GROW_H

#include "postgres.h"

/*
 * Make room for an element after the first count: array and size are changed.
 * The array is allocated in the current memory context and stays in that one.
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
