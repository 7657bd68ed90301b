/*
 * queue.h
 *	  The table queue: calls that wait for a background worker.
 *
 * A row is changed and deleted only under the lock of its proposal's row.
 */
#ifndef WFO_STORE_QUEUE_H
#define WFO_STORE_QUEUE_H

#include "postgres.h"

#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	QUEUE_PROPOSAL_ID = 1,
	QUEUE_EXECUTION_ID,
	QUEUE_RUN_AS_OID,
	QUEUE_PRIORITY,
	QUEUE_DUE_AT,
	QUEUE_ATTEMPTS,
	QUEUE_CRASHES,
	QUEUE_HOME_SYSTEM,
	QUEUE_HOME_DATABASE,
	QUEUE_TOOL,
	QUEUE_PROPOSED_BY,
	QUEUE_COLUMNS = QUEUE_PROPOSED_BY
};

typedef struct QueueRow
{
	int64 proposal_id;
	int64 proposed_by;
	int64 execution_id;
	Oid run_as;
	int64 priority;
	TimestampTz due_at;
	int64 attempts;
	int64 crashes;
	bool held; /* queued in another database, of which this one is a copy */
	char *tool;
	StoredRow *row;
} QueueRow;

/* A place in the order in which the calls of a role start: that of a call. */
typedef struct QueuePlace
{
	int64 priority;
	TimestampTz due_at;
	int64 execution_id;
} QueuePlace;

/* Visits a call and returns whether the scan continues. */
typedef bool (*QueueVisit)(const QueueRow *row, void *arg);

extern QueueRow *queue_load(int64 proposal_id);
extern void queue_insert(const QueueRow *row);
extern void queue_update(const QueueRow *row);
extern void queue_delete(QueueRow *row);
extern void queue_adopt(QueueRow *row, Oid run_as);
extern TimestampTz queue_visit_due(Oid run_as, const QueuePlace *from, TimestampTz now,
								   QueueVisit visit, void *arg);
extern Oid *queue_roles(int *count);
extern int64 *queue_list_held(int *count);
extern int64 *queue_list_due(Oid run_as, TimestampTz now, int limit, int *count);

#endif
