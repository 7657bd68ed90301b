/*
 * sealing.h
 *	  Waits until the sealer has had a turn, or seals here.
 */
#ifndef WFO_WORKER_SEALING_H
#define WFO_WORKER_SEALING_H

#include "postgres.h"

extern int64 sealing_run(void);

#endif
