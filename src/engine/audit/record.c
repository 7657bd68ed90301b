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
#include "base/json.h"
#include "catalog/pg_type.h"
#include "engine/audit/record.h"
#include "engine/audit/record_row.h"
#include "engine/identity/caller.h"
#include "store/audit_log.h"
#include "store/table.h"

void
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
void
add_column(JsonObject *object, const StoredRow *row, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->desc, column - 1);

	json_add_jsonb(object, NameStr(attribute->attname),
				   json_from_datum(row->values[column - 1], row->nulls[column - 1],
								   attribute->atttypid));
}

/* The columns of a new row but those that the audit row has, or that say when. */
void
add_columns(JsonObject *object, const StoredRow *row, AttrNumber last)
{
	for (AttrNumber column = 1; column <= last; column++)
		if (!column_is_null(row, column) &&
			TupleDescAttr(row->desc, column - 1)->atttypid != TIMESTAMPTZOID)
			add_column(object, row, column);
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
