/*
 * durable.h
 *	  Waits until what is committed cannot be lost.
 */
#ifndef WFO_BASE_DURABLE_H
#define WFO_BASE_DURABLE_H

#include "postgres.h"

extern void commit_durably(void);
extern void wait_until_durable(void);

#endif
