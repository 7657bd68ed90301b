/*
 * record.c
 *	  Writes the audit row of every change.
 *
 * Triggers call this after each row that the engine writes, so that no code path
 * changes anything without a trace.  Owns when an audit row is written and what
 * all of them have in common; record_setting.c, record_proposal.c and
 * record_execution.c own what the rows of each table say.  They know the row that
 * was written and not the call that wrote it.
 */
#include "postgres.h"

#include "base/hash.h"
#include "base/json.h"
#include "catalog/pg_type.h"
#include "engine/audit/authority.h"
#include "engine/audit/record.h"
#include "engine/audit/record_row.h"
#include "engine/identity/caller.h"
#include "store/audit_log.h"
#include "store/table.h"

/* What adds the details of a changed row to its audit row: see record_row.h. */
typedef void (*RecordRow)(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
						  JsonObject *details);

/* The tables that have the trigger record_row. */
static const RecordRow recorders[STORE_TABLE_COUNT] = {
	[STORE_ACTOR] = record_actor,
	[STORE_WORKFLOW] = record_workflow,
	[STORE_TOOL] = record_tool,
	[STORE_POLICY] = record_policy,
	[STORE_FREEZE] = record_freeze,
	[STORE_APPROVAL_RULE] = record_rule,
	[STORE_DELEGATION] = record_delegation,
	[STORE_STANDING_APPROVAL] = record_standing,
	[STORE_PROPOSAL] = record_proposal,
	[STORE_PROPOSAL_COMMENT] = record_comment,
	[STORE_PREVIEW] = record_preview,
	[STORE_REVIEW] = record_review,
	[STORE_REVOCATION] = record_revocation,
	[STORE_EXECUTION] = record_execution,
	[STORE_CANCEL_REQUEST] = record_cancel_request,
	[STORE_BREAK_GLASS] = record_break_glass,
	[STORE_AUDIT_ANCHOR] = record_anchor,
	[STORE_WORKFLOW_HOLD] = record_hold,
};

/* Add a column under its own name, as to_jsonb shows it, and bytes in hex. */
void
record_add_column(JsonObject *object, const StoredRow *row, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->desc, column - 1);

	if (attribute->atttypid == BYTEAOID && !column_is_null(row, column))
	{
		json_add_text(object, NameStr(attribute->attname), sha256_hex(column_varlena(row, column)));
		return;
	}
	json_add_jsonb(object, NameStr(attribute->attname),
				   json_from_datum(row->values[column - 1], row->nulls[column - 1],
								   attribute->atttypid));
}

/* Add the columns of a new row that are not null, without its timestamps. */
void
record_add_columns(JsonObject *object, const StoredRow *row, AttrNumber last)
{
	for (AttrNumber column = 1; column <= last; column++)
		if (!column_is_null(row, column) &&
			TupleDescAttr(row->desc, column - 1)->atttypid != TIMESTAMPTZOID)
			record_add_column(object, row, column);
}

static const int64 *
id_of(const StoredRow *row, AttrNumber column)
{
	return column != 0 ? column_int64_or_null(row, column) : NULL;
}

/* Write the audit row of a change, unless another row tells of it. */
static void
record(Relation rel, HeapTuple old_tuple, HeapTuple new_tuple)
{
	StoredRow old;
	StoredRow new;
	StoreTable table;
	const StoreTableInfo *info;
	AuditEntry entry = {0};
	JsonObject details;
	Caller caller;

	/* The audit rows of what a restore inserts are in the dump; a redaction has one for all rows. */
	if (!store_is_writing() || store_is_redacting())
		return;
	if (!store_table_of(rel, &table) || recorders[table] == NULL)
		elog(ERROR, "table \"%s\" has no audit rows", RelationGetRelationName(rel));
	info = store_table_info(table);
	if (old_tuple != NULL)
		stored_row_init(&old, old_tuple, RelationGetDescr(rel));
	stored_row_init(&new, new_tuple, RelationGetDescr(rel));

	entry.workflow_id = id_of(&new, info->workflow_id);
	entry.proposal_id = id_of(&new, info->proposal_id);
	entry.execution_id = id_of(&new, info->execution_id);
	json_object_begin(&details);
	recorders[table](old_tuple != NULL ? &old : NULL, &new, &entry, &details);
	if (entry.action == NULL)
		return;
	if (entry.workflow_id == NULL)
		authority_add(&entry, &details);
	caller_identify(&caller);
	entry.login = caller.login;
	entry.db_role = caller.role;
	entry.details = json_object_end(&details);
	audit_insert(&entry);
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
