/*
 * loss.h
 *	  What went wrong with a call, as far as its rows do not say it.
 *
 * For workers.  The notes are in the pool; no table is read or written.
 */
#ifndef WFO_WORKER_LOSS_H
#define WFO_WORKER_LOSS_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern void loss_watch(void);
extern void loss_note_locked(Oid database, int64 execution_id);
extern TimestampTz loss_unrecorded(Oid database, int64 execution_id);
extern TimestampTz loss_not_before_locked(Oid database, int64 execution_id);
extern char *loss_text(Oid database, int64 execution_id);

#endif
