/*
 * verify_execution.c
 *	  Compares executions and the queue with the audit log.
 *
 * A leaf commits to all of an execution that has ended.  One that has not changes
 * in place, as its row of the queue does, and must be what the audit row of its
 * last step says.  An output has the hash that was recorded.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/audit/leaf_rows.h"
#include "engine/audit/replay.h"
#include "engine/audit/verify_execution.h"
#include "engine/tool/result.h"
#include "miscadmin.h"
#include "model/status.h"
#include "store/queue.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static void
report_execution(const Findings *findings, const Execution *execution, const char *finding)
{
	finding_add(findings, &execution->proposal_id, &execution->execution_id, NULL, finding);
}

/*
 * Return the audit row of an execution's end, or any of its rows if it has not
 * ended; NULL if there is none.  If a cancel was requested while the call ran,
 * the end has a row beside that of the request.
 */
static const AuditRow *
audit_row_of(const Execution *execution, const AuditRow *rows, int count)
{
	const AuditRow *cancel = NULL;

	for (int i = count - 1; i >= 0; i--)
	{
		if (rows[i].execution_id == NULL || *rows[i].execution_id != execution->execution_id)
			continue;
		if (!status_is_final(OBJECT_EXECUTION, execution->status) ||
			strcmp(rows[i].action, "execute_action") == 0)
			return &rows[i];
		if (cancel == NULL && strcmp(rows[i].action, "cancel_execution") == 0)
			cancel = &rows[i];
	}
	return cancel;
}

static bool
member_is_same(Jsonb *a, Jsonb *b, const char *key)
{
	JsonbValue *in_a = json_find(a, key);
	JsonbValue *in_b = json_find(b, key);

	if (in_a == NULL || in_b == NULL)
		return in_a == in_b;
	return json_equal(JsonbValueToJsonb(in_a), JsonbValueToJsonb(in_b));
}

/* Compare a result with what its audit row says of it. */
static void
check_result(const Findings *findings, const Execution *execution, const AuditRow *row)
{
	JsonObject expected;
	Jsonb *details;

	json_object_begin(&expected);
	result_add_for_audit(&expected, execution->result);
	details = json_object_end(&expected);
	if (!member_is_same(details, row->details, "output_sha256"))
		report_execution(findings, execution, "the output is not the one that was recorded");
	if (!member_is_same(details, row->details, "tables") ||
		!member_is_same(details, row->details, "rows_changed"))
		report_execution(findings, execution, "the changes are not those that were recorded");
}

/* What an execution that has not ended must be, by its last step. */
typedef struct Step
{
	const AuditRow *row;
	bool started;             /* it is running, and will not run again */
	bool retried;             /* it waits for another attempt */
	const AuditRow *enqueued; /* NULL: it was never queued */
} Step;

static void
find_step(const Execution *execution, const AuditRow *rows, int count, Step *step)
{
	memset(step, 0, sizeof(Step));
	for (int i = 0; i < count; i++)
	{
		bool starts = strcmp(rows[i].action, "start_execution") == 0;
		bool retries = strcmp(rows[i].action, "retry_execution") == 0;
		bool queues = strcmp(rows[i].action, "enqueue_action") == 0;

		if (rows[i].execution_id == NULL || *rows[i].execution_id != execution->execution_id ||
			(!starts && !retries && !queues))
			continue;
		step->row = &rows[i];
		step->started = starts;
		step->retried = retries;
		if (queues)
			step->enqueued = &rows[i];
	}
}

static void
report_column_of(const Findings *findings, const Execution *execution, const AuditRow *row,
				 const char *table, int64 key, const char *column)
{
	finding_add(findings, &execution->proposal_id, &execution->execution_id, &row->audit_id,
				psprintf("column \"%s\" of %s " INT64_FORMAT " is not what audit row " INT64_FORMAT
						 " says",
						 column, table, key, row->audit_id));
}

/* Whether a member of details, if there is one, is this number. */
static bool
number_is_as_told(Jsonb *details, const char *key, int64 number)
{
	return json_find(details, key) == NULL || replay_int64(details, key) == number;
}

static bool
is_dry_run_as_told(const Execution *execution, const AuditRow *row)
{
	JsonbValue *dry_run = json_find(row->details, "dry_run");

	return dry_run != NULL && dry_run->type == jbvBool &&
		   dry_run->val.boolean == execution->dry_run;
}

/* Compare the columns of an execution that has not ended with its last step. */
static void
check_step(const Findings *findings, const Execution *execution, const Step *step)
{
	const LeafRow key = {.table = STORE_EXECUTION, .keys = {execution->execution_id}, .nkeys = 1};
	const StoredRow *row = leaf_row_load(&key);
	const struct
	{
		const char *column;
		bool is_right;
	} columns[] = {
		{"status", execution->status == (step->started ? EXECUTION_RUNNING : EXECUTION_QUEUED)},
		{"attempt", number_is_as_told(step->row->details, "attempt", execution->attempt)},
		{"dry_run", is_dry_run_as_told(execution, step->row)},
		{"started_at", step->started ? replay_is_near(execution->started_at, step->row->occurred_at)
									 : (execution->started_at != 0) == step->retried},
		{"finished_at", step->retried || column_is_null(row, EXECUTION_FINISHED_AT)},
		{"ended_by", column_is_null(row, EXECUTION_ENDED_BY)},
		{"end_reason", column_is_null(row, EXECUTION_END_REASON)},
		{"result", (execution->result != NULL) == step->retried},
	};

	for (int i = 0; i < (int) lengthof(columns); i++)
		if (!columns[i].is_right)
			report_column_of(findings, execution, step->row, "execution", execution->execution_id,
							 columns[i].column);
	if (step->retried && execution->result != NULL)
		check_result(findings, execution, step->row);
}

/* When a call in the queue is due: an audit row of a retry has that, others follow the execution. */
static bool
is_due_as_told(const QueueRow *queued, const Execution *execution, const Step *step)
{
	if (!step->retried)
		return queued->due_at ==
			   (execution->queued_at != 0 ? execution->queued_at : execution->started_at);
	return replay_is_time(step->row->details, "due_at", queued->due_at);
}

/* Compare the row of the queue of an execution that has not ended. */
static void
check_queued(const Findings *findings, const Proposal *proposal, const Execution *execution,
			 const Step *step)
{
	const QueueRow *queued = queue_load(execution->proposal_id);
	int64 priority = step->enqueued != NULL ? replay_int64(step->enqueued->details, "priority") : 0;

	if (queued == NULL || queued->execution_id != execution->execution_id)
	{
		finding_add(findings, &execution->proposal_id, &execution->execution_id,
					&step->row->audit_id,
					psprintf("the row of the queue, of which audit row " INT64_FORMAT
							 " tells, is missing",
							 step->row->audit_id));
		return;
	}
	if (queued->priority != priority)
		report_column_of(findings, execution, step->row, "queue", queued->proposal_id, "priority");
	if (strcmp(queued->tool, proposal->tool) != 0)
		report_column_of(findings, execution, step->row, "queue", queued->proposal_id, "tool");
	if (!step->started && queued->attempts != execution->attempt)
		report_column_of(findings, execution, step->row, "queue", queued->proposal_id, "attempts");
	if (!is_due_as_told(queued, execution, step))
		report_column_of(findings, execution, step->row, "queue", queued->proposal_id, "due_at");
}

/* Compare an execution, which was read with the audit rows of its proposal at one time. */
void
verify_execution(const Findings *findings, const Proposal *proposal, const Execution *execution,
				 const AuditRow *rows, int count)
{
	const AuditRow *row = audit_row_of(execution, rows, count);
	Step step;

	if (row == NULL)
	{
		report_execution(findings, execution, "the execution has no audit row");
		return;
	}
	if (!status_is_final(OBJECT_EXECUTION, execution->status))
	{
		find_step(execution, rows, count, &step);
		if (step.row == NULL)
		{
			report_execution(findings, execution,
							 "no audit row tells that the execution is queued or running");
			return;
		}
		check_step(findings, execution, &step);
		check_queued(findings, proposal, execution, &step);
	}
	else if (execution->result == NULL)
		report_execution(findings, execution, "the execution has no result");
	else
		check_result(findings, execution, row);
}

/*
 * Report rows of the queue that no execution waits in; the others are compared with
 * their executions.
 */
void
verify_queue(const Findings *findings)
{
	StoreScan scan;
	StoredRow *row;

	store_scan_begin(&scan, STORE_QUEUE, "queue_pkey", 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		int64 proposal_id = column_int64(row, QUEUE_PROPOSAL_ID);
		int64 execution_id = column_int64(row, QUEUE_EXECUTION_ID);
		const Execution *execution = execution_load(execution_id);

		CHECK_FOR_INTERRUPTS();
		if (execution == NULL || execution->proposal_id != proposal_id ||
			status_is_final(OBJECT_EXECUTION, execution->status))
			finding_add(findings, &proposal_id, &execution_id, NULL,
						psprintf("no execution waits in queue " INT64_FORMAT, proposal_id));
	}
	store_scan_end(&scan);
}
