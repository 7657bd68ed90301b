/*
 * id_set.h
 *	  Sets of ids, of which many lie close together.
 */
#ifndef WFO_BASE_ID_SET_H
#define WFO_BASE_ID_SET_H

#include "postgres.h"

typedef struct IdSet IdSet;

/* Called for each id of a set. */
typedef void (*IdVisit)(void *arg, int64 id);

extern IdSet *id_set_create(const char *name);
extern void id_set_add(IdSet *set, int64 id);
extern bool id_set_has(IdSet *set, int64 id);
extern bool id_set_remove(IdSet *set, int64 id);
extern void id_set_each(IdSet *set, IdVisit visit, void *arg);

#endif
