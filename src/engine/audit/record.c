/*
 * record.c
 *	  Writes the audit row of every change.
 *
 * Called by triggers after each row of an actor, a tool, the policy, a rule, a
 * workflow, a proposal, a review or an execution that the engine writes, so
 * that no code path changes anything without a trace.  What a row says comes from the
 * changed row's own columns.
 *
 * A decision and an execution are rows of their own, and the change of the
 * proposal's status follows from them: one audit row tells of both.  The
 * engine writes the decision or execution first; the proposal's change is then
 * let pass without a row of its own, once, and is an error otherwise.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/json.h"
#include "base/names.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "engine/audit/record.h"
#include "engine/identity/caller.h"
#include "engine/tool/result.h"
#include "miscadmin.h"
#include "store/actor.h"
#include "store/audit_log.h"
#include "store/break_glass.h"
#include "store/cancel_request.h"
#include "store/comment.h"
#include "store/delegation.h"
#include "store/execution.h"
#include "store/freeze.h"
#include "store/policy.h"
#include "store/preview.h"
#include "store/proposal.h"
#include "store/review.h"
#include "store/revocation.h"
#include "store/rule.h"
#include "store/table.h"
#include "store/tool.h"
#include "store/workflow.h"
#include "utils/datum.h"

/* The proposal whose change of status has its audit row already. */
static struct
{
	int64 proposal_id;
	TransactionId xid;
	SubTransactionId subid;
} recorded;

static void
write_entry(AuditEntry *entry, JsonObject *details)
{
	Caller caller;

	caller_identify(&caller);
	entry->login = caller.login;
	entry->db_role = caller.role;
	entry->details = json_object_end(details);
	audit_insert(entry);
}

/* Add a column under its own name, as to_jsonb shows it. */
static void
add_column(JsonObject *object, const StoredRow *row, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->desc, column - 1);

	json_add_jsonb(object, NameStr(attribute->attname),
				   json_from_datum(row->values[column - 1], row->nulls[column - 1],
								   attribute->atttypid));
}

/* The columns of a new row but those that the audit row has, or that say when. */
static void
add_columns(JsonObject *object, const StoredRow *row, AttrNumber last)
{
	for (AttrNumber column = 1; column <= last; column++)
		if (!column_is_null(row, column) &&
			TupleDescAttr(row->desc, column - 1)->atttypid != TIMESTAMPTZOID)
			add_column(object, row, column);
}

/* {"from": ..., "to": ...} of the columns that differ. */
static void
add_difference(JsonObject *object, const StoredRow *old, const StoredRow *new, AttrNumber last)
{
	JsonObject from;
	JsonObject to;

	json_object_begin(&from);
	json_object_begin(&to);
	for (AttrNumber column = 1; column <= last; column++)
	{
		if (column_is_same(old, new, column))
			continue;
		add_column(&from, old, column);
		add_column(&to, new, column);
	}
	json_add_jsonb(object, "from", json_object_end(&from));
	json_add_jsonb(object, "to", json_object_end(&to));
}

/* Where a row has a role that it is bound to. */
typedef struct RoleColumns
{
	AttrNumber name;
	AttrNumber oid;
	AttrNumber system;
	AttrNumber database;
} RoleColumns;

/* Whether all that changes is what a role is called, which nobody in particular does. */
static bool
is_renamed(const StoredRow *old, const StoredRow *new, const RoleColumns *role)
{
	return !column_is_same(old, new, role->name) && column_is_same(old, new, role->oid) &&
		   column_is_same(old, new, role->system) && column_is_same(old, new, role->database);
}

static void
record_actor(const StoredRow *old, const StoredRow *new)
{
	static const RoleColumns role = {ACTOR_DB_ROLE, ACTOR_DB_ROLE_OID, ACTOR_HOME_SYSTEM,
									 ACTOR_HOME_DATABASE};
	AuditEntry entry = {.action = old == NULL ? "register_actor" : "update_actor"};
	JsonObject details;

	if (old != NULL && is_renamed(old, new, &role))
		entry.action = "follow_renamed_role";
	else
		entry.actor_id = column_int64_or_null(new, ACTOR_CHANGED_BY);

	json_object_begin(&details);
	if (old == NULL)
		add_columns(&details, new, ACTOR_PERSON);
	else
	{
		json_add_int(&details, "actor_id", column_int64(new, ACTOR_ACTOR_ID));
		json_add_text(&details, "name", column_text(new, ACTOR_NAME));
		add_difference(&details, old, new, ACTOR_PERSON);
	}
	write_entry(&entry, &details);
}

static void
record_tool(const StoredRow *old, const StoredRow *new)
{
	static const RoleColumns role = {TOOL_RUN_AS, TOOL_RUN_AS_OID, TOOL_HOME_SYSTEM,
									 TOOL_HOME_DATABASE};
	AuditEntry entry = {.action = "register_tool",
						.actor_id = column_int64_or_null(new, TOOL_CHANGED_BY)};
	JsonObject details;

	json_object_begin(&details);
	if (old == NULL)
		add_columns(&details, new, TOOL_DESCRIPTION);
	else
	{
		entry.action = column_bool(old, TOOL_ENABLED) == column_bool(new, TOOL_ENABLED)
						   ? "update_tool"
						   : "set_tool_enabled";
		if (is_renamed(old, new, &role))
		{
			entry.action = "follow_renamed_role";
			entry.actor_id = NULL;
		}
		json_add_text(&details, "tool", column_text(new, TOOL_TOOL));
		add_difference(&details, old, new, TOOL_DESCRIPTION);
	}
	write_entry(&entry, &details);
}

static void
record_policy(const StoredRow *old, const StoredRow *new)
{
	AuditEntry entry = {.action = "set_policy",
						.actor_id = column_int64_or_null(new, POLICY_CHANGED_BY)};
	JsonObject details;

	json_object_begin(&details);
	if (old == NULL)
		add_columns(&details, new, POLICY_NOTIFY);
	else
		add_difference(&details, old, new, POLICY_NOTIFY);
	write_entry(&entry, &details);
}

static void
record_freeze(const StoredRow *old, const StoredRow *new)
{
	AuditEntry entry = {.action = old == NULL ? "add_freeze" : "remove_freeze"};
	JsonObject details;

	entry.actor_id = column_int64_or_null(new, old == NULL ? FREEZE_ADDED_BY : FREEZE_REMOVED_BY);
	json_object_begin(&details);
	for (int column = FREEZE_FREEZE_ID; column <= FREEZE_TOOL; column++)
		add_column(&details, new, column);
	write_entry(&entry, &details);
}

static void
record_delegation(const StoredRow *old, const StoredRow *new)
{
	AuditEntry entry = {.action = old == NULL ? "delegate_review" : "end_delegation"};
	JsonObject details;

	entry.actor_id = column_int64_or_null(new, old == NULL ? DELEGATION_DELEGATED_BY
														   : DELEGATION_ENDED_BY);
	json_object_begin(&details);
	add_column(&details, new, DELEGATION_DELEGATION_ID);
	add_column(&details, new, DELEGATION_FROM_ACTOR);
	add_column(&details, new, DELEGATION_TO_ACTOR);
	add_column(&details, new, DELEGATION_ENDS_AT);
	write_entry(&entry, &details);
}

static void
record_rule(const StoredRow *old, const StoredRow *new)
{
	AuditEntry entry = {.action = "add_approval_rule",
						.actor_id = column_int64_or_null(new, RULE_ADDED_BY)};
	JsonObject details;

	json_object_begin(&details);
	if (old != NULL)
	{
		entry.action = "remove_approval_rule";
		entry.actor_id = column_int64_or_null(new, RULE_REMOVED_BY);
	}
	add_columns(&details, new, RULE_AGENTS);
	write_entry(&entry, &details);
}

static void
record_workflow(const StoredRow *old, const StoredRow *new)
{
	int64 workflow_id = column_int64(new, WORKFLOW_WORKFLOW_ID);
	AuditEntry entry = {.action = "start_workflow", .workflow_id = &workflow_id};
	JsonObject details;

	json_object_begin(&details);
	if (old == NULL)
	{
		entry.actor_id = column_int64_or_null(new, WORKFLOW_ACTOR_ID);
		add_column(&details, new, WORKFLOW_TITLE);
		add_column(&details, new, WORKFLOW_DRY_RUN);
		add_column(&details, new, WORKFLOW_METADATA);
	}
	else
	{
		entry.action = column_enum(new, WORKFLOW_STATUS, &workflow_status_type) ==
							   WORKFLOW_COMPLETED
						   ? "complete_workflow"
						   : "cancel_workflow";
		entry.actor_id = column_int64_or_null(new, WORKFLOW_ENDED_BY);
		add_column(&details, new, WORKFLOW_STATUS);
		if (!column_is_null(new, WORKFLOW_END_REASON))
			json_add_text(&details, "reason", column_text(new, WORKFLOW_END_REASON));
	}
	write_entry(&entry, &details);
}

/* Tell listeners where a proposal stands, if the policy wants it. */
static void
notify_proposal(int64 workflow_id, int64 proposal_id, ProposalStatus status)
{
	if (policy_load()->notify)
		Async_Notify(WFO_CHANNEL,
					 psprintf("{\"proposal_id\": " INT64_FORMAT ", \"workflow_id\": " INT64_FORMAT
							  ", \"status\": \"%s\"}",
							  proposal_id, workflow_id, enum_label(&proposal_status_type, status)));
}

/* Tell listeners where an execution stands, if the policy wants it. */
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

/* What led to a status where no row of its own tells of it. */
static const char *
action_of_event(const char *event)
{
	static const struct
	{
		Event event;
		const char *action;
	} actions[] = {
		{EVENT_WITHDRAW, "withdraw_proposal"},
		{EVENT_EXPIRE, "expire_proposal"},
		{EVENT_CANCEL, "cancel_workflow"},
		{EVENT_RETRY, "retry_action"},
		{EVENT_APPROVE_BY_RULE, "approve_by_rule"},
		{EVENT_ACCEPT_DEFINITION, "accept_tool_definition"},
	};

	for (int i = 0; i < (int) lengthof(actions); i++)
		if (strcmp(event_name(actions[i].event), event) == 0)
			return actions[i].action;
	return NULL;
}

static void
record_proposal_change(const StoredRow *old, const StoredRow *new)
{
	int64 proposal_id = column_int64(new, PROPOSAL_PROPOSAL_ID);
	int64 workflow_id = column_int64(new, PROPOSAL_WORKFLOW_ID);
	ProposalStatus from = column_enum(old, PROPOSAL_STATUS, &proposal_status_type);
	ProposalStatus to = column_enum(new, PROPOSAL_STATUS, &proposal_status_type);
	char *event = column_text(new, PROPOSAL_EVENT);
	AuditEntry entry = {.action = action_of_event(event),
						.actor_id = column_int64_or_null(new, PROPOSAL_STATUS_BY),
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id};
	JsonObject details;

	if (from != to || !column_is_same(old, new, PROPOSAL_REVISION))
		notify_proposal(workflow_id, proposal_id, to);
	if (entry.action == NULL)
	{
		if (recorded.proposal_id != proposal_id || recorded.xid != GetTopTransactionId() ||
			recorded.subid != GetCurrentSubTransactionId())
			elog(ERROR, "proposal " INT64_FORMAT " changes by \"%s\" without an audit row",
				 proposal_id, event);
		recorded.proposal_id = 0;
		return;
	}

	json_object_begin(&details);
	json_add_text(&details, "from", enum_label(&proposal_status_type, from));
	json_add_text(&details, "status", enum_label(&proposal_status_type, to));
	if (!column_is_null(new, PROPOSAL_STATUS_REASON))
		json_add_text(&details, "reason", column_text(new, PROPOSAL_STATUS_REASON));
	if (strcmp(event, event_name(EVENT_APPROVE_BY_RULE)) == 0)
		json_add_int(&details, "rule_id", column_int64(new, PROPOSAL_RULE_ID));
	if (column_int64(old, PROPOSAL_REVISION) != column_int64(new, PROPOSAL_REVISION))
		json_add_int(&details, "revision", column_int64(new, PROPOSAL_REVISION));
	write_entry(&entry, &details);
}

static void
record_proposal(const StoredRow *old, const StoredRow *new)
{
	int64 proposal_id = column_int64(new, PROPOSAL_PROPOSAL_ID);
	int64 workflow_id = column_int64(new, PROPOSAL_WORKFLOW_ID);
	AuditEntry entry = {.action = "propose_action",
						.actor_id = column_int64_or_null(new, PROPOSAL_ACTOR_ID),
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id};
	ProposalStatus status;
	JsonObject details;

	if (old != NULL)
	{
		record_proposal_change(old, new);
		return;
	}

	status = column_enum(new, PROPOSAL_STATUS, &proposal_status_type);
	json_object_begin(&details);
	json_add_text(&details, "tool", column_text(new, PROPOSAL_TOOL));
	json_add_text(&details, "reason", column_text(new, PROPOSAL_REASON));
	json_add_text(&details, "status", enum_label(&proposal_status_type, status));
	json_add_int(&details, "revision", column_int64(new, PROPOSAL_REVISION));
	json_add_int(&details, "required_approvals", column_int64(new, PROPOSAL_REQUIRED_APPROVALS));
	write_entry(&entry, &details);
	notify_proposal(workflow_id, proposal_id, status);
}

/* The change of the proposal that comes next has its audit row. */
static void
mark_recorded(int64 proposal_id)
{
	recorded.proposal_id = proposal_id;
	recorded.xid = GetTopTransactionId();
	recorded.subid = GetCurrentSubTransactionId();
}

static void
record_comment(const StoredRow *new)
{
	int64 proposal_id = column_int64(new, COMMENT_PROPOSAL_ID);
	int64 workflow_id = column_int64(new, COMMENT_WORKFLOW_ID);
	AuditEntry entry = {.action = "comment_proposal",
						.actor_id = column_int64_or_null(new, COMMENT_ACTOR_ID),
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id};
	JsonObject details;

	json_object_begin(&details);
	json_add_int(&details, "comment_id", column_int64(new, COMMENT_COMMENT_ID));
	json_add_int(&details, "revision", column_int64(new, COMMENT_REVISION));
	json_add_text(&details, "comment", column_text(new, COMMENT_COMMENT));
	write_entry(&entry, &details);
}

static void
record_preview(const StoredRow *new)
{
	int64 proposal_id = column_int64(new, PREVIEW_PROPOSAL_ID);
	int64 workflow_id = column_int64(new, PREVIEW_WORKFLOW_ID);
	AuditEntry entry = {.action = "preview_action",
						.actor_id = column_int64_or_null(new, PREVIEW_ACTOR_ID),
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id};
	JsonObject details;

	json_object_begin(&details);
	json_add_int(&details, "preview_id", column_int64(new, PREVIEW_PREVIEW_ID));
	json_add_int(&details, "revision", column_int64(new, PREVIEW_REVISION));
	result_add_for_audit(&details, column_varlena(new, PREVIEW_PREVIEW));
	write_entry(&entry, &details);
}

static void
record_review(const StoredRow *new)
{
	int64 proposal_id = column_int64(new, REVIEW_PROPOSAL_ID);
	int64 reviewer_id = column_int64(new, REVIEW_REVIEWER_ID);
	int64 workflow_id = column_int64(new, REVIEW_WORKFLOW_ID);
	AuditEntry entry = {.action = "review_action",
						.actor_id = &reviewer_id,
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id};
	JsonObject details;

	json_object_begin(&details);
	json_add_text(&details, "decision",
				  enum_label(&review_decision_type,
							 column_enum(new, REVIEW_DECISION, &review_decision_type)));
	json_add_text(&details, "status",
				  enum_label(&proposal_status_type,
							 column_enum(new, REVIEW_STATUS, &proposal_status_type)));
	json_add_int(&details, "revision", column_int64(new, REVIEW_REVISION));
	json_add_text(&details, "role", column_text(new, REVIEW_ROLE));
	if (!column_is_null(new, REVIEW_STAGE))
		json_add_int(&details, "stage", column_int64(new, REVIEW_STAGE));
	if (!column_is_null(new, REVIEW_ON_BEHALF_OF))
		json_add_int(&details, "on_behalf_of", column_int64(new, REVIEW_ON_BEHALF_OF));
	if (!column_is_null(new, REVIEW_COMMENT))
		json_add_text(&details, "comment", column_text(new, REVIEW_COMMENT));
	if (!column_is_null(new, REVIEW_EDITS))
		json_add_jsonb(&details, "edits", column_varlena(new, REVIEW_EDITS));
	if (!column_is_null(new, REVIEW_PREVIEW_ID))
		json_add_int(&details, "preview_id", column_int64(new, REVIEW_PREVIEW_ID));
	write_entry(&entry, &details);
	mark_recorded(proposal_id);
}

/* An approval that its reviewer takes back, and those that go with it. */
static void
record_revocation(const StoredRow *new)
{
	int64 proposal_id = column_int64(new, REVOCATION_PROPOSAL_ID);
	int64 actor_id = column_int64(new, REVOCATION_ACTOR_ID);
	int64 workflow_id = column_int64(new, REVOCATION_WORKFLOW_ID);
	bool follows = !column_is_null(new, REVOCATION_FOLLOWS);
	AuditEntry entry = {.action = follows ? "void_approval" : "revoke_approval",
						.actor_id = follows ? NULL : &actor_id,
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id};
	JsonObject details;

	json_object_begin(&details);
	json_add_int(&details, "review_id", column_int64(new, REVOCATION_REVIEW_ID));
	json_add_int(&details, "revision", column_int64(new, REVOCATION_REVISION));
	if (follows)
		json_add_int(&details, "follows", column_int64(new, REVOCATION_FOLLOWS));
	json_add_text(&details, "status",
				  enum_label(&proposal_status_type,
							 column_enum(new, REVOCATION_STATUS, &proposal_status_type)));
	if (!column_is_null(new, REVOCATION_REASON))
		json_add_text(&details, "reason", column_text(new, REVOCATION_REASON));
	write_entry(&entry, &details);
	mark_recorded(proposal_id);
}

/* Somebody asked for the end of a call that a worker had. */
static void
record_cancel_request(const StoredRow *new)
{
	int64 execution_id = column_int64(new, CANCEL_REQUEST_EXECUTION_ID);
	int64 proposal_id = column_int64(new, CANCEL_REQUEST_PROPOSAL_ID);
	int64 workflow_id = column_int64(new, CANCEL_REQUEST_WORKFLOW_ID);
	AuditEntry entry = {.action = "cancel_execution",
						.actor_id = column_int64_or_null(new, CANCEL_REQUEST_ACTOR_ID),
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id,
						.execution_id = &execution_id};
	JsonObject details;

	json_object_begin(&details);
	json_add_int(&details, "request_id", column_int64(new, CANCEL_REQUEST_REQUEST_ID));
	if (!column_is_null(new, CANCEL_REQUEST_REASON))
		json_add_text(&details, "reason", column_text(new, CANCEL_REQUEST_REASON));
	write_entry(&entry, &details);
}

/*
 * The call that a change of an execution comes from.  The end of a call that
 * was started, or whose cancel has its own row, is its execution's.
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

static void
record_execution(const StoredRow *new)
{
	int64 execution_id = column_int64(new, EXECUTION_EXECUTION_ID);
	int64 proposal_id = column_int64(new, EXECUTION_PROPOSAL_ID);
	int64 workflow_id = column_int64(new, EXECUTION_WORKFLOW_ID);
	bool dry_run = column_bool(new, EXECUTION_DRY_RUN);
	bool started = !column_is_null(new, EXECUTION_STARTED_AT);
	ExecutionStatus status = column_enum(new, EXECUTION_STATUS, &execution_status_type);
	bool decides = started && !dry_run &&
				   (status == EXECUTION_SUCCEEDED || status == EXECUTION_FAILED);
	AuditEntry entry = {.action = action_of_execution(execution_id, status, started),
						.actor_id = column_int64_or_null(new, EXECUTION_ACTOR_ID),
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id,
						.execution_id = &execution_id};
	JsonObject details;

	json_object_begin(&details);
	json_add_int(&details, "revision", column_int64(new, EXECUTION_REVISION));
	if (decides)
		json_add_text(&details, "status",
					  enum_label(&proposal_status_type, status == EXECUTION_SUCCEEDED
															? PROPOSAL_EXECUTED
															: PROPOSAL_FAILED));
	if (strcmp(entry.action, "cancel_execution") == 0)
		entry.actor_id = column_int64_or_null(new, EXECUTION_ENDED_BY);
	else if (!column_is_null(new, EXECUTION_ENDED_BY))
		json_add_int(&details, "ended_by", column_int64(new, EXECUTION_ENDED_BY));
	if (!column_is_null(new, EXECUTION_END_REASON))
		json_add_text(&details, "reason", column_text(new, EXECUTION_END_REASON));
	if (!column_is_null(new, EXECUTION_QUEUED_AT))
	{
		json_add_time(&details, "queued_at", column_int64(new, EXECUTION_QUEUED_AT));
		json_add_int(&details, "attempt", column_int64(new, EXECUTION_ATTEMPT));
	}
	/* In a worker the audit row's own login is the tool's role. */
	if (!column_is_null(new, EXECUTION_LOGIN) &&
		strcmp(column_name(new, EXECUTION_LOGIN), GetUserNameFromId(GetSessionUserId(), false)) !=
			0)
		json_add_text(&details, "requested_by", column_name(new, EXECUTION_LOGIN));
	if (!column_is_null(new, EXECUTION_RESULT))
		result_add_for_audit(&details, column_varlena(new, EXECUTION_RESULT));
	else
		json_add_bool(&details, "dry_run", dry_run);
	write_entry(&entry, &details);
	record_notify_execution(workflow_id, proposal_id, execution_id, status);
	if (decides)
		mark_recorded(proposal_id);
}

static void
record_break_glass(const StoredRow *old, const StoredRow *new)
{
	int64 execution_id = column_int64(new, BREAK_GLASS_EXECUTION_ID);
	int64 proposal_id = column_int64(new, BREAK_GLASS_PROPOSAL_ID);
	int64 workflow_id = column_int64(new, BREAK_GLASS_WORKFLOW_ID);
	AuditEntry entry = {.action = old == NULL ? "break_glass_execute" : "review_break_glass",
						.workflow_id = &workflow_id,
						.proposal_id = &proposal_id,
						.execution_id = &execution_id};
	JsonObject details;

	json_object_begin(&details);
	if (old == NULL)
	{
		entry.actor_id = column_int64_or_null(new, BREAK_GLASS_ACTOR_ID);
		json_add_int(&details, "revision", column_int64(new, BREAK_GLASS_REVISION));
		json_add_text(&details, "reason", column_text(new, BREAK_GLASS_REASON));
		if (!column_is_null(new, BREAK_GLASS_FREEZE_ID))
			json_add_int(&details, "freeze_id", column_int64(new, BREAK_GLASS_FREEZE_ID));
	}
	else
	{
		entry.actor_id = column_int64_or_null(new, BREAK_GLASS_REVIEWER_ID);
		json_add_text(&details, "comment", column_text(new, BREAK_GLASS_COMMENT));
	}
	write_entry(&entry, &details);
}

static void
record(Relation rel, HeapTuple old_tuple, HeapTuple new_tuple)
{
	StoredRow old_row;
	StoredRow new_row;
	StoredRow *old = old_tuple != NULL ? &old_row : NULL;
	StoredRow *new = &new_row;
	StoreTable table;

	/* What a restore inserts has its audit rows in the dump. */
	if (!store_is_writing() || !store_table_parse(RelationGetRelationName(rel), &table))
		return;
	if (old != NULL)
		stored_row_init(old, old_tuple, RelationGetDescr(rel));
	stored_row_init(new, new_tuple, RelationGetDescr(rel));

	switch (table)
	{
		case STORE_ACTOR:
			record_actor(old, new);
			break;
		case STORE_WORKFLOW:
			record_workflow(old, new);
			break;
		case STORE_TOOL:
			record_tool(old, new);
			break;
		case STORE_POLICY:
			record_policy(old, new);
			break;
		case STORE_FREEZE:
			record_freeze(old, new);
			break;
		case STORE_APPROVAL_RULE:
			record_rule(old, new);
			break;
		case STORE_DELEGATION:
			record_delegation(old, new);
			break;
		case STORE_REVOCATION:
			record_revocation(new);
			break;
		case STORE_PROPOSAL:
			record_proposal(old, new);
			break;
		case STORE_PROPOSAL_COMMENT:
			record_comment(new);
			break;
		case STORE_PREVIEW:
			record_preview(new);
			break;
		case STORE_REVIEW:
			record_review(new);
			break;
		case STORE_EXECUTION:
			record_execution(new);
			break;
		case STORE_CANCEL_REQUEST:
			record_cancel_request(new);
			break;
		case STORE_BREAK_GLASS:
			record_break_glass(old, new);
			break;
		default:
			elog(ERROR, "table \"%s\" has no audit rows", RelationGetRelationName(rel));
	}
}

void
record_insert(Relation rel, HeapTuple new)
{
	record(rel, NULL, new);
}

void
record_update(Relation rel, HeapTuple old, HeapTuple new)
{
	record(rel, old, new);
}
