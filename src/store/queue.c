/*
 * queue.c
 *	  The table queue: calls that wait for a background worker.
 *
 * Owns its descriptor, how a row becomes a struct and back, and the order in
 * which calls start.  Workers and processes are not its business.
 */
#include "postgres.h"

#include "base/grow.h"
#include "miscadmin.h"
#include "store/home.h"
#include "store/queue.h"
#include "store/table.h"
#include "utils/fmgroids.h"

const StoreTableInfo queue_table = {
	.name = "queue",
	.columns = QUEUE_COLUMNS,
	.deletes = true,
	.fixed = (const AttrNumber[]){QUEUE_PROPOSAL_ID, QUEUE_PROPOSED_BY, QUEUE_EXECUTION_ID,
								  QUEUE_PRIORITY, QUEUE_TOOL, 0},
	.proposal_id = QUEUE_PROPOSAL_ID,
	.proposed_by = QUEUE_PROPOSED_BY,
	.insert_call = "enqueue_action",
	.update_call = "cancel_execution",
	.delete_call = "cancel_execution",
};

static void
queue_read(const StoredRow *row, QueueRow *queued)
{
	queued->proposal_id = column_int64(row, QUEUE_PROPOSAL_ID);
	queued->execution_id = column_int64(row, QUEUE_EXECUTION_ID);
	queued->run_as = column_oid(row, QUEUE_RUN_AS_OID);
	queued->priority = column_int64(row, QUEUE_PRIORITY);
	queued->due_at = column_int64(row, QUEUE_DUE_AT);
	queued->attempts = column_int64(row, QUEUE_ATTEMPTS);
	queued->crashes = column_int64(row, QUEUE_CRASHES);
	queued->held = !column_is_home(row, QUEUE_HOME_SYSTEM, QUEUE_HOME_DATABASE);
	queued->tool = column_some_text(row, QUEUE_TOOL);
	queued->row = NULL;
}

/* Return the queued call of this proposal, or NULL. */
QueueRow *
queue_load(int64 proposal_id)
{
	ScanKeyData key;
	StoredRow *row;
	QueueRow *queued;

	store_key_int64(&key, QUEUE_PROPOSAL_ID, proposal_id);
	row = store_fetch(STORE_QUEUE, "queue_pkey", 1, &key);
	if (row == NULL)
		return NULL;
	queued = palloc(sizeof(QueueRow));
	queue_read(row, queued);
	queued->row = row;
	return queued;
}

void
queue_insert(const QueueRow *queued)
{
	StoreRow row;

	store_row_init(&row, STORE_QUEUE);
	row_set_int64(&row, QUEUE_PROPOSAL_ID, queued->proposal_id);
	row_set_int64(&row, QUEUE_PROPOSED_BY, queued->proposed_by);
	row_set_int64(&row, QUEUE_EXECUTION_ID, queued->execution_id);
	row_set(&row, QUEUE_RUN_AS_OID, ObjectIdGetDatum(queued->run_as));
	row_set_int64(&row, QUEUE_PRIORITY, queued->priority);
	row_set_time(&row, QUEUE_DUE_AT, queued->due_at);
	row_set_int64(&row, QUEUE_ATTEMPTS, queued->attempts);
	row_set_int64(&row, QUEUE_CRASHES, queued->crashes);
	row_set_home(&row, QUEUE_HOME_SYSTEM, QUEUE_HOME_DATABASE);
	row_set_text(&row, QUEUE_TOOL, queued->tool);
	store_insert(&row);
}

/* Write when the call is due, its attempts and its crashes. */
void
queue_update(const QueueRow *queued)
{
	StoreRow row;

	store_row_init(&row, STORE_QUEUE);
	row_set_time(&row, QUEUE_DUE_AT, queued->due_at);
	row_set_int64(&row, QUEUE_ATTEMPTS, queued->attempts);
	row_set_int64(&row, QUEUE_CRASHES, queued->crashes);
	store_update(&row, queued->row);
}

void
queue_delete(QueueRow *queued)
{
	store_delete(STORE_QUEUE, queued->row);
}

/* Make this database the home of a call that was queued elsewhere. */
void
queue_adopt(QueueRow *queued, Oid run_as)
{
	StoreRow row;

	store_row_init(&row, STORE_QUEUE);
	row_set(&row, QUEUE_RUN_AS_OID, ObjectIdGetDatum(run_as));
	row_set_home(&row, QUEUE_HOME_SYSTEM, QUEUE_HOME_DATABASE);
	store_update(&row, queued->row);
}

/* A visit of the due calls of a role. */
typedef struct DueScan
{
	Oid run_as;
	TimestampTz now;
	QueueVisit visit;
	void *arg;
	int64 priority;       /* of the calls that were read last */
	TimestampTz next_due; /* when the next call becomes due, as far as it was read; 0: never */
} DueScan;

typedef enum DueRange
{
	RANGE_EMPTY,
	RANGE_READ,
	RANGE_STOPPED /* by the visitor */
} DueRange;

/*
 * Visit the due calls of one priority: those with the keys, which leave out the role, or
 * of them the calls of the highest priority.  Ends at the first call that is not due.  So
 * calls that are scheduled for later, of which there may be many, are not read.
 */
static DueRange
visit_due_range(DueScan *due, int nkeys, const ScanKeyData *range)
{
	ScanKeyData keys[4];
	StoreScan scan;
	StoredRow *row;
	DueRange outcome = RANGE_EMPTY;

	Assert(nkeys < (int) lengthof(keys));
	ScanKeyInit(&keys[0], QUEUE_RUN_AS_OID, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(due->run_as));
	for (int i = 0; i < nkeys; i++)
		keys[i + 1] = range[i];
	store_scan_begin(&scan, STORE_QUEUE, "queue_due_idx", nkeys + 1, keys);
	while (outcome != RANGE_STOPPED && (row = store_scan_next(&scan)) != NULL)
	{
		QueueRow queued;

		CHECK_FOR_INTERRUPTS();
		queue_read(row, &queued);
		if (outcome == RANGE_READ && queued.priority != due->priority)
			break;
		outcome = RANGE_READ;
		due->priority = queued.priority;
		if (queued.held)
			continue;
		if (queued.due_at > due->now)
		{
			if (due->next_due == 0 || queued.due_at < due->next_due)
				due->next_due = queued.due_at;
			break;
		}
		if (!due->visit(&queued, due->arg))
			outcome = RANGE_STOPPED;
	}
	store_scan_end(&scan);
	return outcome;
}

/* The same for the calls at a place and after it that have the priority of the place. */
static DueRange
visit_from_place(DueScan *due, const QueuePlace *from)
{
	ScanKeyData keys[3];

	due->priority = from->priority;
	store_key_int64(&keys[0], QUEUE_PRIORITY, from->priority);
	ScanKeyInit(&keys[1], QUEUE_DUE_AT, BTEqualStrategyNumber, F_TIMESTAMPTZ_EQ,
				TimestampTzGetDatum(from->due_at));
	ScanKeyInit(&keys[2], QUEUE_EXECUTION_ID, BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(from->execution_id));
	if (visit_due_range(due, 3, keys) == RANGE_STOPPED)
		return RANGE_STOPPED;
	ScanKeyInit(&keys[1], QUEUE_DUE_AT, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT,
				TimestampTzGetDatum(from->due_at));
	return visit_due_range(due, 2, keys);
}

/*
 * Visit the due calls of a role, those of the highest priority first and then the
 * oldest, or those at a place and after it, until the visitor ends the scan.  Returns
 * when the next call of those that were read becomes due, or 0.
 *
 * Each priority is a scan of its own.
 */
TimestampTz
queue_visit_due(Oid run_as, const QueuePlace *from, TimestampTz now, QueueVisit visit, void *arg)
{
	DueScan due = {.run_as = run_as, .now = now, .visit = visit, .arg = arg};
	ScanKeyData key;
	DueRange range = from != NULL ? visit_from_place(&due, from) : visit_due_range(&due, 0, NULL);

	/* There may be calls of lower priorities, though there was none at the place. */
	if (from != NULL && range == RANGE_EMPTY)
		range = RANGE_READ;
	while (range == RANGE_READ)
	{
		ScanKeyInit(&key, QUEUE_PRIORITY, BTLessStrategyNumber, F_INT8LT,
					Int64GetDatum(due.priority));
		range = visit_due_range(&due, 1, &key);
	}
	return due.next_due;
}

/* Return the roles that have calls in the queue. */
Oid *
queue_roles(int *count)
{
	Oid last = InvalidOid;
	int size = 0;
	Oid *roles = NULL;

	*count = 0;
	for (;;)
	{
		ScanKeyData key;
		StoreScan scan;
		StoredRow *row;

		ScanKeyInit(&key, QUEUE_RUN_AS_OID, BTGreaterStrategyNumber, F_OIDGT,
					ObjectIdGetDatum(last));
		store_scan_begin(&scan, STORE_QUEUE, "queue_due_idx", 1, &key);
		row = store_scan_next(&scan);
		if (row != NULL)
			last = column_oid(row, QUEUE_RUN_AS_OID);
		store_scan_end(&scan);
		if (row == NULL)
			return roles;
		GROW_ARRAY(roles, *count, size);
		roles[(*count)++] = last;
	}
}

/* Return the proposals of all queued calls that are held. */
int64 *
queue_list_held(int *count)
{
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	int64 *ids = NULL;

	*count = 0;
	store_scan_begin(&scan, STORE_QUEUE, "queue_due_idx", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		QueueRow queued;

		CHECK_FOR_INTERRUPTS();
		queue_read(row, &queued);
		if (!queued.held)
			continue;
		GROW_ARRAY(ids, *count, size);
		ids[(*count)++] = queued.proposal_id;
	}
	store_scan_end(&scan);
	return ids;
}

/* The proposals of due calls. */
typedef struct DueList
{
	int64 *ids;
	int size;
	int count;
	int limit;
} DueList;

static bool
append_due(const QueueRow *queued, void *arg)
{
	DueList *due = arg;

	GROW_ARRAY(due->ids, due->count, due->size);
	due->ids[due->count++] = queued->proposal_id;
	return due->count < due->limit;
}

/* Return the proposals of the first calls of a role that are due and not held, up to a limit. */
int64 *
queue_list_due(Oid run_as, TimestampTz now, int limit, int *count)
{
	DueList due = {.limit = limit};

	(void) queue_visit_due(run_as, NULL, now, append_due, &due);
	*count = due.count;
	return due.ids;
}
