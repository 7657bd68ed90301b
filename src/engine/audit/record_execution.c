/*
 * record_execution.c
 *	  The audit rows of executions, requests to cancel them, and break glass.
 *
 * Owns what these rows say.  record.c decides when one is written.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/names.h"
#include "base/role_name.h"
#include "commands/async.h"
#include "engine/audit/record.h"
#include "engine/audit/record_row.h"
#include "engine/tool/result.h"
#include "miscadmin.h"
#include "model/status.h"
#include "store/audit_log.h"
#include "store/break_glass.h"
#include "store/cancel_request.h"
#include "store/execution.h"
#include "store/policy.h"
#include "store/queue.h"
#include "store/table.h"

/* Notify listeners of an execution's status, if the policy wants it. */
void
record_notify_execution(int64 workflow_id, int64 proposal_id, int64 execution_id,
						ExecutionStatus status)
{
	if (policy_load()->notify)
		Async_Notify(WFO_CHANNEL,
					 psprintf("{\"execution_id\": " INT64_FORMAT ", \"proposal_id\": " INT64_FORMAT
							  ", \"workflow_id\": " INT64_FORMAT ", \"status\": \"%s\"}",
							  execution_id, proposal_id, workflow_id,
							  enum_label(&execution_status_type, status)));
}

/* A request to cancel a call that a worker was running. */
void
record_cancel_request(pg_attribute_unused() const StoredRow *old, const StoredRow *new,
					  AuditEntry *entry, JsonObject *details)
{
	entry->action = "cancel_execution";
	entry->actor_id = column_int64_or_null(new, CANCEL_REQUEST_ACTOR_ID);
	json_add_int(details, "request_id", column_int64(new, CANCEL_REQUEST_REQUEST_ID));
	if (!column_is_null(new, CANCEL_REQUEST_REASON))
		json_add_text(details, "reason", column_text(new, CANCEL_REQUEST_REASON));
}

/*
 * Return the SQL function that a change of an execution comes from.  The end of
 * a call that was started, or whose cancel request has an audit row of its own,
 * comes from execute_action().
 */
static const char *
action_of_execution(int64 execution_id, ExecutionStatus status, bool started)
{
	switch (status)
	{
		case EXECUTION_QUEUED:
			return started ? "retry_execution" : "enqueue_action";
		case EXECUTION_RUNNING:
			return "start_execution";
		case EXECUTION_CANCELLED:
			return started || cancel_request_first(execution_id) != NULL ? "execute_action"
																		 : "cancel_execution";
		default:
			return "execute_action";
	}
}

/* Add how the call waits in the queue, whose rows have no audit rows of their own. */
static void
add_queued(JsonObject *details, int64 proposal_id, bool retried)
{
	const QueueRow *queued = queue_load(proposal_id);

	Assert(queued != NULL);
	if (retried)
		json_add_time(details, "due_at", queued->due_at);
	else
		json_add_int(details, "priority", queued->priority);
}

void
record_execution(pg_attribute_unused() const StoredRow *old, const StoredRow *new,
				 AuditEntry *entry, JsonObject *details)
{
	bool dry_run = column_bool(new, EXECUTION_DRY_RUN);
	bool started = !column_is_null(new, EXECUTION_STARTED_AT);
	ExecutionStatus status = column_enum(new, EXECUTION_STATUS, &execution_status_type);
	bool decides = started && !dry_run &&
				   (status == EXECUTION_SUCCEEDED || status == EXECUTION_FAILED);

	entry->action = action_of_execution(*entry->execution_id, status, started);
	entry->actor_id = column_int64_or_null(new, EXECUTION_ACTOR_ID);
	json_add_int(details, "revision", column_int64(new, EXECUTION_REVISION));
	if (decides)
		json_add_text(details, "status",
					  enum_label(&proposal_status_type, status == EXECUTION_SUCCEEDED
															? PROPOSAL_EXECUTED
															: PROPOSAL_FAILED));
	if (strcmp(entry->action, "cancel_execution") == 0)
		entry->actor_id = column_int64_or_null(new, EXECUTION_ENDED_BY);
	else if (!column_is_null(new, EXECUTION_ENDED_BY))
		json_add_int(details, "ended_by", column_int64(new, EXECUTION_ENDED_BY));
	if (!column_is_null(new, EXECUTION_END_REASON))
		json_add_text(details, "reason", column_text(new, EXECUTION_END_REASON));
	if (!column_is_null(new, EXECUTION_QUEUED_AT))
	{
		json_add_time(details, "queued_at", column_int64(new, EXECUTION_QUEUED_AT));
		json_add_int(details, "attempt", column_int64(new, EXECUTION_ATTEMPT));
	}
	if (status == EXECUTION_QUEUED)
		add_queued(details, *entry->proposal_id, started);
	/*
	 * In a worker the login of the audit row is the tool's role, so the details
	 * name the one that asked.
	 */
	if (!column_is_null(new, EXECUTION_LOGIN) &&
		strcmp(column_text(new, EXECUTION_LOGIN), role_name_of(GetSessionUserId())) != 0)
		json_add_text(details, "requested_by", column_text(new, EXECUTION_LOGIN));
	if (!column_is_null(new, EXECUTION_RESULT))
		result_add_for_audit(details, store_written(EXECUTION_RESULT));
	else
		json_add_bool(details, "dry_run", dry_run);
	record_notify_execution(*entry->workflow_id, *entry->proposal_id, *entry->execution_id, status);
	if (decides)
		record_mark_recorded(*entry->proposal_id);
}

void
record_break_glass(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
				   JsonObject *details)
{
	if (old == NULL)
	{
		entry->action = "break_glass_execute";
		entry->actor_id = column_int64_or_null(new, BREAK_GLASS_ACTOR_ID);
		json_add_int(details, "revision", column_int64(new, BREAK_GLASS_REVISION));
		json_add_text(details, "reason", column_text(new, BREAK_GLASS_REASON));
		if (!column_is_null(new, BREAK_GLASS_FREEZE_ID))
			json_add_int(details, "freeze_id", column_int64(new, BREAK_GLASS_FREEZE_ID));
	}
	else
	{
		entry->action = "review_break_glass";
		entry->actor_id = column_int64_or_null(new, BREAK_GLASS_REVIEWER_ID);
		json_add_text(details, "comment", column_text(new, BREAK_GLASS_COMMENT));
	}
}
