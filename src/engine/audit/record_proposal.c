/*
 * record_proposal.c
 *	  The audit rows of workflows, proposals, and what is decided on them.
 *
 * Owns what these rows say, and the mark by which a decision's or an execution's
 * row stands for the change of its proposal.  record.c decides when one is
 * written.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/json.h"
#include "base/names.h"
#include "commands/async.h"
#include "engine/audit/authority.h"
#include "engine/audit/record_row.h"
#include "engine/tool/result.h"
#include "model/status.h"
#include "model/transition.h"
#include "store/audit_log.h"
#include "store/comment.h"
#include "store/hold.h"
#include "store/policy.h"
#include "store/preview.h"
#include "store/proposal.h"
#include "store/review.h"
#include "store/revocation.h"
#include "store/table.h"
#include "store/workflow.h"

/* The proposal whose next change already has its audit row. */
static struct
{
	int64 proposal_id;
	TransactionId xid;
	SubTransactionId subid;
} recorded;

/* Notify listeners of a proposal's status, if the policy wants it. */
static void
notify_proposal(const AuditEntry *entry, ProposalStatus status)
{
	if (policy_load()->notify)
		Async_Notify(WFO_CHANNEL,
					 psprintf("{\"proposal_id\": " INT64_FORMAT ", \"workflow_id\": " INT64_FORMAT
							  ", \"status\": \"%s\"}",
							  *entry->proposal_id, *entry->workflow_id,
							  enum_label(&proposal_status_type, status)));
}

/* Return the action of an event that no other audit row tells of, or NULL. */
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
		{EVENT_APPROVE_BY_STANDING, "approve_by_standing"},
		{EVENT_END_STANDING, "end_standing_approval"},
		{EVENT_ACCEPT_DEFINITION, "accept_tool_definition"},
		{EVENT_REVISE, "revise_proposal"},
	};

	for (int i = 0; i < (int) lengthof(actions); i++)
		if (strcmp(event_name(actions[i].event), event) == 0)
			return actions[i].action;
	return NULL;
}

/* Remember that the next change of the proposal already has its audit row. */
void
record_mark_recorded(int64 proposal_id)
{
	recorded.proposal_id = proposal_id;
	recorded.xid = GetTopTransactionId();
	recorded.subid = GetCurrentSubTransactionId();
}

void
record_workflow(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	if (old == NULL)
	{
		entry->action = "start_workflow";
		entry->actor_id = column_int64_or_null(new, WORKFLOW_ACTOR_ID);
		record_add_column(details, new, WORKFLOW_TITLE);
		record_add_column(details, new, WORKFLOW_DRY_RUN);
		record_add_column(details, new, WORKFLOW_METADATA);
	}
	else
	{
		entry->action = column_enum(new, WORKFLOW_STATUS, &workflow_status_type) ==
								WORKFLOW_COMPLETED
							? "complete_workflow"
							: "cancel_workflow";
		entry->actor_id = column_int64_or_null(new, WORKFLOW_ENDED_BY);
		record_add_column(details, new, WORKFLOW_STATUS);
		if (!column_is_null(new, WORKFLOW_END_REASON))
			json_add_text(details, "reason", column_text(new, WORKFLOW_END_REASON));
	}
}

void
record_hold(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	entry->action = old == NULL ? "hold_workflow" : "release_hold";
	entry->actor_id = column_int64_or_null(new, old == NULL ? HOLD_HELD_BY : HOLD_RELEASED_BY);
	json_add_int(details, "hold_id", column_int64(new, HOLD_HOLD_ID));
	json_add_text(details, "reason",
				  column_text(new, old == NULL ? HOLD_REASON : HOLD_RELEASE_REASON));
	authority_add_to_workflow(details);
}

static void
record_proposal_change(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
					   JsonObject *details)
{
	ProposalStatus from = column_enum(old, PROPOSAL_STATUS, &proposal_status_type);
	ProposalStatus to = column_enum(new, PROPOSAL_STATUS, &proposal_status_type);
	char *event = column_text(new, PROPOSAL_EVENT);

	entry->action = action_of_event(event);
	entry->actor_id = column_int64_or_null(new, PROPOSAL_STATUS_BY);
	if (from != to || !column_is_same(old, new, PROPOSAL_REVISION) ||
		strcmp(event, event_name(EVENT_REQUEST_CHANGES)) == 0)
		notify_proposal(entry, to);
	if (entry->action == NULL)
	{
		if (recorded.proposal_id != *entry->proposal_id || recorded.xid != GetTopTransactionId() ||
			recorded.subid != GetCurrentSubTransactionId())
			elog(ERROR, "proposal " INT64_FORMAT " changes by \"%s\" without an audit row",
				 *entry->proposal_id, event);
		recorded.proposal_id = 0;
		return;
	}

	json_add_text(details, "from", enum_label(&proposal_status_type, from));
	json_add_text(details, "status", enum_label(&proposal_status_type, to));
	if (!column_is_null(new, PROPOSAL_STATUS_REASON))
		json_add_text(details, "reason", column_text(new, PROPOSAL_STATUS_REASON));
	if (strcmp(event, event_name(EVENT_APPROVE_BY_RULE)) == 0)
		json_add_int(details, "rule_id", column_int64(new, PROPOSAL_RULE_ID));
	if (strcmp(event, event_name(EVENT_APPROVE_BY_STANDING)) == 0)
		json_add_int(details, "standing_id", column_int64(new, PROPOSAL_STANDING_ID));
	if (strcmp(event, event_name(EVENT_END_STANDING)) == 0)
		json_add_int(details, "standing_id", column_int64(old, PROPOSAL_STANDING_ID));
	if (column_int64(old, PROPOSAL_REVISION) != column_int64(new, PROPOSAL_REVISION))
		json_add_int(details, "revision", column_int64(new, PROPOSAL_REVISION));
}

void
record_proposal(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	ProposalStatus status;

	if (old != NULL)
	{
		record_proposal_change(old, new, entry, details);
		return;
	}

	entry->action = "propose_action";
	entry->actor_id = column_int64_or_null(new, PROPOSAL_ACTOR_ID);
	status = column_enum(new, PROPOSAL_STATUS, &proposal_status_type);
	json_add_text(details, "tool", column_text(new, PROPOSAL_TOOL));
	json_add_text(details, "reason", column_text(new, PROPOSAL_REASON));
	json_add_text(details, "status", enum_label(&proposal_status_type, status));
	json_add_int(details, "revision", column_int64(new, PROPOSAL_REVISION));
	json_add_int(details, "required_approvals", column_int64(new, PROPOSAL_REQUIRED_APPROVALS));
	notify_proposal(entry, status);
}

void
record_comment(pg_attribute_unused() const StoredRow *old, const StoredRow *new, AuditEntry *entry,
			   JsonObject *details)
{
	entry->action = "comment_proposal";
	entry->actor_id = column_int64_or_null(new, COMMENT_ACTOR_ID);
	json_add_int(details, "comment_id", column_int64(new, COMMENT_COMMENT_ID));
	json_add_int(details, "revision", column_int64(new, COMMENT_REVISION));
	json_add_text(details, "comment", column_text(new, COMMENT_COMMENT));
}

void
record_preview(pg_attribute_unused() const StoredRow *old, const StoredRow *new, AuditEntry *entry,
			   JsonObject *details)
{
	entry->action = "preview_action";
	entry->actor_id = column_int64_or_null(new, PREVIEW_ACTOR_ID);
	json_add_int(details, "preview_id", column_int64(new, PREVIEW_PREVIEW_ID));
	json_add_int(details, "revision", column_int64(new, PREVIEW_REVISION));
	result_add_for_audit(details, store_written(PREVIEW_PREVIEW));
}

void
record_review(pg_attribute_unused() const StoredRow *old, const StoredRow *new, AuditEntry *entry,
			  JsonObject *details)
{
	entry->action = "review_action";
	json_add_int(details, "review_id", column_int64(new, REVIEW_REVIEW_ID));
	entry->actor_id = column_int64_or_null(new, REVIEW_REVIEWER_ID);
	json_add_text(details, "decision",
				  enum_label(&review_decision_type,
							 column_enum(new, REVIEW_DECISION, &review_decision_type)));
	json_add_text(details, "status",
				  enum_label(&proposal_status_type,
							 column_enum(new, REVIEW_STATUS, &proposal_status_type)));
	json_add_int(details, "revision", column_int64(new, REVIEW_REVISION));
	json_add_text(details, "role", column_text(new, REVIEW_ROLE));
	if (!column_is_null(new, REVIEW_STAGE))
		json_add_int(details, "stage", column_int64(new, REVIEW_STAGE));
	if (!column_is_null(new, REVIEW_ON_BEHALF_OF))
		json_add_int(details, "on_behalf_of", column_int64(new, REVIEW_ON_BEHALF_OF));
	if (!column_is_null(new, REVIEW_COMMENT))
		json_add_text(details, "comment", column_text(new, REVIEW_COMMENT));
	if (!column_is_null(new, REVIEW_EDITS))
		json_add_jsonb(details, "edits", column_varlena(new, REVIEW_EDITS));
	if (!column_is_null(new, REVIEW_PREVIEW_ID))
		json_add_int(details, "preview_id", column_int64(new, REVIEW_PREVIEW_ID));
	if (!column_is_null(new, REVIEW_MAX_ROWS))
		json_add_int(details, "max_rows", column_int64(new, REVIEW_MAX_ROWS));
	record_mark_recorded(*entry->proposal_id);
}

/* An approval that its reviewer revokes, or that is voided because of that. */
void
record_revocation(pg_attribute_unused() const StoredRow *old, const StoredRow *new,
				  AuditEntry *entry, JsonObject *details)
{
	bool follows = !column_is_null(new, REVOCATION_FOLLOWS);

	entry->action = follows ? "void_approval" : "revoke_approval";
	if (!follows)
		entry->actor_id = column_int64_or_null(new, REVOCATION_ACTOR_ID);
	json_add_int(details, "review_id", column_int64(new, REVOCATION_REVIEW_ID));
	json_add_int(details, "revision", column_int64(new, REVOCATION_REVISION));
	if (follows)
		json_add_int(details, "follows", column_int64(new, REVOCATION_FOLLOWS));
	json_add_text(details, "status",
				  enum_label(&proposal_status_type,
							 column_enum(new, REVOCATION_STATUS, &proposal_status_type)));
	if (!column_is_null(new, REVOCATION_REASON))
		json_add_text(details, "reason", column_text(new, REVOCATION_REASON));
	record_mark_recorded(*entry->proposal_id);
}
