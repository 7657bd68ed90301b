/*
 * parallel.h
 *	  Runs the calls of a batch in background workers.
 *
 * The caller's side; what workers do with the calls is in process/batch_call.h.
 */
#ifndef WFO_WORKER_PARALLEL_H
#define WFO_WORKER_PARALLEL_H

#include "postgres.h"

#include "engine/run/work.h"
#include "engine/verbs/batch.h"
#include "worker/pool/pool.h"

extern void parallel_run(Batch *batch, int64 timeout);

#endif
