/*
 * counting.h
 *	  Whether the server has counted rows all the time that a call ran.
 */
#ifndef WFO_ENGINE_COUNTING_H
#define WFO_ENGINE_COUNTING_H

#include "postgres.h"

extern void counting_watch(void);
extern bool counting_was_off(void);

#endif
