/*
 * sweep.h
 *	  What a keeper does with the queue of its database.
 *
 * For keepers, which begin and commit the transactions.
 */
#ifndef WFO_ENGINE_SWEEP_H
#define WFO_ENGINE_SWEEP_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* The calls of one role in the queue. */
typedef struct RoleQueue
{
	Oid role;
	bool has_due;         /* some are due */
	TimestampTz next_due; /* when the next one will be due; 0: never */
} RoleQueue;

typedef void (*RoleQueueVisit)(const RoleQueue *queue);

/* How many calls or proposals one visit ends at most, so that other databases have their turn. */
#define SWEEP_LIMIT 1000

extern void sweep_note_crash(int64 execution_id);
extern bool sweep_queue(RoleQueueVisit visit);

#endif
