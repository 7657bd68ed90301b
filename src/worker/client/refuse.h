/*
 * refuse.h
 *	  Leaves refused attempts to the sealer.
 */
#ifndef WFO_WORKER_REFUSE_H
#define WFO_WORKER_REFUSE_H

#include "postgres.h"

extern void refuse_define(void);

#endif
