/*
 * sweep.h
 *	  What a keeper does with the queue of its database.
 */
#ifndef WFO_ENGINE_SWEEP_H
#define WFO_ENGINE_SWEEP_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef void (*WorkVisitRole)(Oid role, bool due, TimestampTz next_due);

extern void work_note_crash(int64 execution_id);
extern void work_look(WorkVisitRole visit);

#endif
