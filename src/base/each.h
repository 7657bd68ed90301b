/*
 * each.h
 *	  Processes many items in the memory of one.
 */
#ifndef WFO_BASE_EACH_H
#define WFO_BASE_EACH_H

#include "postgres.h"

/* Processes an item; what it allocates is freed afterwards. */
typedef void (*EachItem)(int index, void *arg);

extern void each_item(int count, EachItem item, void *arg);

#endif
