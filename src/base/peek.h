/*
 * peek.h
 *	  Reads something without keeping a lock or a snapshot.
 */
#ifndef WFO_BASE_PEEK_H
#define WFO_BASE_PEEK_H

#include "postgres.h"

typedef void (*PeekFunction)(void *arg);

extern void peek(PeekFunction look, void *arg);

#endif
