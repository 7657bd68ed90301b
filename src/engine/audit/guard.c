/*
 * guard.c
 *	  Refuses writes that the state machine does not know.
 *
 * The last line, called by triggers for every write to the tables: by this
 * extension's own code, by a superuser at the prompt, by replication.  First
 * the change itself must be legal; then the engine must be the one that makes
 * it.  The one exception is an INSERT by a superuser or the owner, which is
 * how a dump is restored.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/errors.h"
#include "base/names.h"
#include "engine/audit/guard.h"
#include "miscadmin.h"
#include "model/transition.h"
#include "store/actor.h"
#include "store/break_glass.h"
#include "store/cancel_request.h"
#include "store/comment.h"
#include "store/delegation.h"
#include "store/execution.h"
#include "store/freeze.h"
#include "store/proposal.h"
#include "store/queue.h"
#include "store/review.h"
#include "store/revision.h"
#include "store/revocation.h"
#include "store/rule.h"
#include "store/table.h"
#include "store/tool.h"
#include "store/workflow.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"

/* Columns that never change, per table; 0 ends a list. */
static const AttrNumber actor_fixed[] = {ACTOR_ACTOR_ID, ACTOR_KIND, ACTOR_REGISTERED_AT, 0};
static const AttrNumber workflow_fixed[] = {WORKFLOW_WORKFLOW_ID,
											WORKFLOW_ACTOR_ID,
											WORKFLOW_DRY_RUN,
											WORKFLOW_TITLE,
											WORKFLOW_METADATA,
											WORKFLOW_STARTED_AT,
											0};
static const AttrNumber tool_fixed[] = {TOOL_TOOL, TOOL_REGISTERED_AT, 0};
static const AttrNumber freeze_fixed[] = {FREEZE_FREEZE_ID, FREEZE_TITLE,
										  FREEZE_STARTS_AT, FREEZE_ENDS_AT,
										  FREEZE_TOOL,      FREEZE_ADDED_AT,
										  FREEZE_ADDED_BY,  0};
static const AttrNumber delegation_fixed[] = {DELEGATION_DELEGATION_ID,
											  DELEGATION_FROM_ACTOR,
											  DELEGATION_TO_ACTOR,
											  DELEGATION_DELEGATED_AT,
											  DELEGATION_DELEGATED_BY,
											  DELEGATION_ENDS_AT,
											  0};
static const AttrNumber rule_fixed[] =
	{RULE_RULE_ID,     RULE_ROLE,   RULE_APPROVALS, RULE_STAGE,    RULE_TOOL, RULE_CONDITION,
	 RULE_DESCRIPTION, RULE_AGENTS, RULE_ADDED_AT,  RULE_ADDED_BY, 0};
static const AttrNumber break_glass_fixed[] = {BREAK_GLASS_EXECUTION_ID,
											   BREAK_GLASS_PROPOSAL_ID,
											   BREAK_GLASS_PROPOSED_BY,
											   BREAK_GLASS_WORKFLOW_ID,
											   BREAK_GLASS_REVISION,
											   BREAK_GLASS_ACTOR_ID,
											   BREAK_GLASS_BROKEN_AT,
											   BREAK_GLASS_FREEZE_ID,
											   BREAK_GLASS_REASON,
											   BREAK_GLASS_PERSON,
											   BREAK_GLASS_DB_ROLE,
											   BREAK_GLASS_LOGIN,
											   0};
static const AttrNumber proposal_fixed[] = {PROPOSAL_PROPOSAL_ID,
											PROPOSAL_WORKFLOW_ID,
											PROPOSAL_ACTOR_ID,
											PROPOSAL_DRY_RUN,
											PROPOSAL_PROPOSED_AT,
											PROPOSAL_TOOL,
											PROPOSAL_REASON,
											PROPOSAL_PERSON,
											PROPOSAL_DB_ROLE,
											PROPOSAL_IDEMPOTENCY_KEY,
											PROPOSAL_LOGIN,
											PROPOSAL_EXECUTE_ON_APPROVAL,
											0};
static const AttrNumber execution_fixed[] =
	{EXECUTION_EXECUTION_ID, EXECUTION_PROPOSAL_ID, EXECUTION_PROPOSED_BY,
	 EXECUTION_WORKFLOW_ID,  EXECUTION_REVISION,    EXECUTION_ACTOR_ID,
	 EXECUTION_QUEUED_AT,    EXECUTION_LOGIN,       0};
/* What becomes a dry run at its end stays one. */
static const AttrNumber execution_dry_run[] = {EXECUTION_DRY_RUN, 0};
static const AttrNumber queue_fixed[] = {QUEUE_PROPOSAL_ID, QUEUE_PROPOSED_BY, QUEUE_EXECUTION_ID,
										 QUEUE_PRIORITY,    QUEUE_TOOL,        0};

/* Columns that change with a new revision and not without. */
static const AttrNumber revision_fixed[] =
	{PROPOSAL_PARAMS,  PROPOSAL_DEFINITION, PROPOSAL_REQUIRED_APPROVALS, PROPOSAL_REQUIREMENTS,
	 PROPOSAL_RULE_ID, PROPOSAL_REVISED_BY, PROPOSAL_REVISED_AT,         0};

static StoreTable
table_of(Relation rel)
{
	StoreTable table;

	if (!store_table_parse(RelationGetRelationName(rel), &table))
		elog(ERROR, "table \"%s\" is not one of the extension", RelationGetRelationName(rel));
	return table;
}

static bool
is_append_only(StoreTable table)
{
	return table == STORE_TOOL_DEFINITION || table == STORE_PROPOSAL_REVISION ||
		   table == STORE_PROPOSAL_COMMENT || table == STORE_PREVIEW || table == STORE_REVIEW ||
		   table == STORE_REVOCATION || table == STORE_CANCEL_REQUEST || table == STORE_AUDIT_LOG;
}

/* What to call in place of a statement on a table; NULL: nothing does that. */
static const struct
{
	const char *insert, *update, *remove;
} calls[] = {
	[STORE_ACTOR] = {"register_actor", "update_actor", "update_actor(..., active => false)"},
	[STORE_WORKFLOW] = {"start_workflow", "complete_workflow", "cancel_workflow"},
	[STORE_TOOL] = {"register_tool", "update_tool", "set_tool_enabled(..., false)"},
	[STORE_TOOL_DEFINITION] = {"propose_action"},
	[STORE_POLICY] = {"set_policy", "set_policy", "set_policy"},
	[STORE_FREEZE] = {"add_freeze", "remove_freeze", "remove_freeze"},
	[STORE_APPROVAL_RULE] = {"add_approval_rule", "remove_approval_rule", "remove_approval_rule"},
	[STORE_DELEGATION] = {"delegate_review", "end_delegation", "end_delegation"},
	[STORE_PROPOSAL] = {"propose_action", "review_action", "withdraw_proposal"},
	[STORE_PROPOSAL_REVISION] = {"review_action"},
	[STORE_PROPOSAL_COMMENT] = {"comment_proposal"},
	[STORE_PREVIEW] = {"preview_action"},
	[STORE_REVIEW] = {"review_action"},
	[STORE_REVOCATION] = {"revoke_approval"},
	[STORE_EXECUTION] = {"execute_action", "cancel_execution"},
	[STORE_QUEUE] = {"enqueue_action", "cancel_execution", "cancel_execution"},
	[STORE_CANCEL_REQUEST] = {"cancel_execution"},
	[STORE_BREAK_GLASS] = {"break_glass_execute", "review_break_glass"},
	[STORE_AUDIT_LOG] = {NULL},
};

static const char *
call_instead(StoreTable table, const char *command)
{
	if (strcmp(command, "INSERT") == 0)
		return calls[table].insert;
	return strcmp(command, "UPDATE") == 0 ? calls[table].update : calls[table].remove;
}

static void
report_outside_write(Relation rel, const char *command)
{
	const char *call = call_instead(table_of(rel), command);

	if (strcmp(command, "INSERT") != 0 && is_append_only(table_of(rel)))
		report_denied("wfo_outside_write",
					  errmsg("%s on table \"%s.%s\" is refused", command, WFO_SCHEMA,
							 RelationGetRelationName(rel)),
					  errdetail("Its rows are never changed."));
	report_denied("wfo_outside_write",
				  errmsg("%s on table \"%s.%s\" is refused", command, WFO_SCHEMA,
						 RelationGetRelationName(rel)),
				  errdetail("The table is written by the functions of the extension only."),
				  call != NULL ? errhint("Call the function for it, %s.", call) : 0);
}

static void
check_fixed(Relation rel, const StoredRow *old, const StoredRow *new, const AttrNumber *columns)
{
	for (; *columns != 0; columns++)
		if (!column_is_same(old, new, *columns))
			report_wrong_state("wfo_column_fixed",
							   errmsg("column \"%s\" of table \"%s.%s\" cannot change",
									  NameStr(TupleDescAttr(old->desc, *columns - 1)->attname),
									  WFO_SCHEMA, RelationGetRelationName(rel)));
}

static bool
is_changed(const StoredRow *old, const StoredRow *new)
{
	for (int column = 1; column <= Min(old->desc->natts, STORE_MAX_COLUMNS); column++)
		if (!column_is_same(old, new, column))
			return true;
	return false;
}

/*
 * Check a change of status against the transition table.  event is NULL where
 * the table keeps none.  The engine may write two steps as one change: the
 * start of a queued call and what came of it.
 */
static void
check_transition(const StoredRow *old, const StoredRow *new, StatefulObject object,
				 AttrNumber column, const char *event)
{
	const EnumType *type = object_status_type(object);
	int from = column_enum(old, column, type);
	int to = column_enum(new, column, type);
	Event parsed;

	if (from == to)
	{
		if (status_is_final(object, from) && is_changed(old, new))
			report_wrong_state("wfo_row_final",
							   errmsg("%s " INT64_FORMAT " is %s and does not change any more",
									  object_name(object), column_int64(old, 1),
									  enum_label(type, from)));
		return;
	}
	if (!transition_exists(object, from, to) &&
		!(store_is_writing() && transition_exists_in_two(object, from, to)))
		report_wrong_state("wfo_no_transition",
						   errmsg("%s " INT64_FORMAT " cannot go from %s to %s",
								  object_name(object), column_int64(old, 1), enum_label(type, from),
								  enum_label(type, to)),
						   errhint("The function transitions() lists the changes that can be."));
	if (event != NULL && store_is_writing() &&
		(!event_parse(event, &parsed) || !transition_is_legal(object, from, parsed, to)))
		elog(ERROR, "event \"%s\" does not take a %s from %s to %s", event, object_name(object),
			 enum_label(type, from), enum_label(type, to));
}

static void
check_proposal(Relation rel, const StoredRow *old, const StoredRow *new)
{
	int64 before = column_int64(old, PROPOSAL_REVISION);
	int64 after = column_int64(new, PROPOSAL_REVISION);

	check_fixed(rel, old, new, proposal_fixed);
	if (after == before)
		check_fixed(rel, old, new, revision_fixed);
	else if (after != before + 1)
		report_wrong_state("wfo_no_transition",
						   errmsg("proposal " INT64_FORMAT " cannot go from revision " INT64_FORMAT
								  " to " INT64_FORMAT,
								  column_int64(old, PROPOSAL_PROPOSAL_ID), before, after));
	check_transition(old, new, OBJECT_PROPOSAL, PROPOSAL_STATUS, column_text(new, PROPOSAL_EVENT));
	if (store_is_writing() && !column_is_null(new, PROPOSAL_STAGE) &&
		column_enum(new, PROPOSAL_STATUS, &proposal_status_type) == PROPOSAL_APPROVED)
		elog(ERROR, "proposal " INT64_FORMAT " is approved while a stage is open",
			 column_int64(new, PROPOSAL_PROPOSAL_ID));
}

/* What ends once, at the time in a column, and does not change otherwise. */
static void
check_ended_once(Relation rel, const StoredRow *old, const StoredRow *new, const AttrNumber *fixed,
				 AttrNumber ended_at)
{
	check_fixed(rel, old, new, fixed);
	if (!column_is_null(old, ended_at) && is_changed(old, new))
		report_wrong_state("wfo_row_final",
						   errmsg("row " INT64_FORMAT " of table \"%s.%s\" has ended and does not "
								  "change any more",
								  column_int64(old, 1), WFO_SCHEMA, RelationGetRelationName(rel)));
}

/* Tell every backend's caches of a write, be it the engine's or a restore's. */
static void
invalidate_caches(Relation rel)
{
	switch (table_of(rel))
	{
		case STORE_ACTOR:
		case STORE_TOOL:
		case STORE_TOOL_DEFINITION:
		case STORE_POLICY:
		case STORE_FREEZE:
		case STORE_APPROVAL_RULE:
		case STORE_DELEGATION:
			CacheInvalidateRelcache(rel);
			break;
		default:
			break;
	}
}

/* The columns of a table that say which proposal a row is of and who proposed it; 0: none. */
static void
find_proposer_columns(StoreTable table, AttrNumber *proposal_id, AttrNumber *proposed_by)
{
	static const AttrNumber columns[STORE_TABLE_COUNT][2] = {
		[STORE_PROPOSAL_REVISION] = {REVISION_PROPOSAL_ID, REVISION_PROPOSED_BY},
		[STORE_PROPOSAL_COMMENT] = {COMMENT_PROPOSAL_ID, COMMENT_PROPOSED_BY},
		[STORE_REVIEW] = {REVIEW_PROPOSAL_ID, REVIEW_PROPOSED_BY},
		[STORE_REVOCATION] = {REVOCATION_PROPOSAL_ID, REVOCATION_PROPOSED_BY},
		[STORE_EXECUTION] = {EXECUTION_PROPOSAL_ID, EXECUTION_PROPOSED_BY},
		[STORE_QUEUE] = {QUEUE_PROPOSAL_ID, QUEUE_PROPOSED_BY},
		[STORE_CANCEL_REQUEST] = {CANCEL_REQUEST_PROPOSAL_ID, CANCEL_REQUEST_PROPOSED_BY},
		[STORE_BREAK_GLASS] = {BREAK_GLASS_PROPOSAL_ID, BREAK_GLASS_PROPOSED_BY},
	};

	*proposal_id = columns[table][0];
	*proposed_by = columns[table][1];
}

/* A restored row that does not say who proposed the call: with that, where it is known. */
static HeapTuple
add_proposer(Relation rel, HeapTuple tuple)
{
	TupleDesc desc = RelationGetDescr(rel);
	AttrNumber proposal_id;
	AttrNumber proposed_by;
	int column;
	bool isnull;
	Datum id;
	const Proposal *proposal;
	Datum actor_id;

	find_proposer_columns(table_of(rel), &proposal_id, &proposed_by);
	if (proposed_by == 0 || !heap_attisnull(tuple, proposed_by, desc))
		return tuple;
	id = heap_getattr(tuple, proposal_id, desc, &isnull);
	proposal = isnull ? NULL : proposal_load(DatumGetInt64(id));
	if (proposal == NULL)
		return tuple;
	column = proposed_by;
	actor_id = Int64GetDatum(proposal->actor_id);
	return heap_modify_tuple_by_cols(tuple, desc, 1, &column, &actor_id, &isnull);
}

/* Returns the row to insert. */
HeapTuple
guard_insert(Relation rel, HeapTuple tuple)
{
	invalidate_caches(rel);
	if (store_is_writing())
		return tuple;
	if (!superuser() && !has_privs_of_role(GetUserId(), store_owner()))
		report_outside_write(rel, "INSERT");
	return add_proposer(rel, tuple);
}

void
guard_update(Relation rel, HeapTuple old_tuple, HeapTuple new_tuple)
{
	StoredRow old_row;
	StoredRow new_row;
	const StoredRow *old = &old_row;
	const StoredRow *new = &new_row;

	stored_row_init(&old_row, old_tuple, RelationGetDescr(rel));
	stored_row_init(&new_row, new_tuple, RelationGetDescr(rel));
	switch (table_of(rel))
	{
		case STORE_ACTOR:
			check_fixed(rel, old, new, actor_fixed);
			break;
		case STORE_WORKFLOW:
			check_fixed(rel, old, new, workflow_fixed);
			check_transition(old, new, OBJECT_WORKFLOW, WORKFLOW_STATUS, NULL);
			break;
		case STORE_TOOL:
			check_fixed(rel, old, new, tool_fixed);
			break;
		case STORE_FREEZE:
			check_fixed(rel, old, new, freeze_fixed);
			if (!column_is_null(old, FREEZE_REMOVED_AT) && is_changed(old, new))
				report_wrong_state("wfo_row_final",
								   errmsg("freeze " INT64_FORMAT " has been removed and does not "
										  "change any more",
										  column_int64(old, FREEZE_FREEZE_ID)));
			break;
		case STORE_PROPOSAL:
			check_proposal(rel, old, new);
			break;
		case STORE_EXECUTION:
			check_fixed(rel, old, new, execution_fixed);
			if (!store_is_writing() || column_bool(old, EXECUTION_DRY_RUN))
				check_fixed(rel, old, new, execution_dry_run);
			check_transition(old, new, OBJECT_EXECUTION, EXECUTION_STATUS, NULL);
			break;
		case STORE_BREAK_GLASS:
			check_fixed(rel, old, new, break_glass_fixed);
			if (!column_is_null(old, BREAK_GLASS_REVIEWED_AT) && is_changed(old, new))
				report_wrong_state("wfo_row_final",
								   errmsg("the review of execution " INT64_FORMAT
										  " does not change any more",
										  column_int64(old, BREAK_GLASS_EXECUTION_ID)));
			break;
		case STORE_QUEUE:
			check_fixed(rel, old, new, queue_fixed);
			break;
		case STORE_POLICY:
			break;
		case STORE_APPROVAL_RULE:
			check_ended_once(rel, old, new, rule_fixed, RULE_REMOVED_AT);
			break;
		case STORE_DELEGATION:
			check_ended_once(rel, old, new, delegation_fixed, DELEGATION_ENDED_AT);
			break;
		case STORE_TOOL_DEFINITION:
		case STORE_PROPOSAL_REVISION:
		case STORE_PROPOSAL_COMMENT:
		case STORE_PREVIEW:
		case STORE_REVIEW:
		case STORE_REVOCATION:
		case STORE_CANCEL_REQUEST:
		case STORE_AUDIT_LOG:
			report_outside_write(rel, "UPDATE");
	}
	if (!store_is_writing())
		report_outside_write(rel, "UPDATE");
	invalidate_caches(rel);
}

/*
 * Nothing is ever deleted but a call from the queue when it is done; command is
 * DELETE or TRUNCATE.
 */
void
guard_delete(Relation rel, const char *command)
{
	if (store_is_writing() && table_of(rel) == STORE_QUEUE)
		return;
	report_outside_write(rel, command);
}
