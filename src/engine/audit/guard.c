/*
 * guard.c
 *	  Refuses illegal writes to the extension's tables.
 *
 * Triggers call this for every write: by the extension's own code, by a
 * superuser at the prompt, by replication.  Owns the checks: a change must be
 * legal by the table's descriptor and the transition table, and then the
 * extension must be the one that makes it.  There are two exceptions: an INSERT by
 * a superuser or the owner, which is how a dump is restored, and a redaction,
 * which changes personal and identifying columns of any row.  The guard changes nothing but
 * proposed_by in a restored row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/errors.h"
#include "base/names.h"
#include "engine/audit/guard.h"
#include "miscadmin.h"
#include "model/transition.h"
#include "store/execution.h"
#include "store/proposal.h"
#include "store/table.h"
#include "utils/acl.h"
#include "utils/inval.h"

/* Columns of a proposal that change only with its revision. */
static const AttrNumber revision_fixed[] = {PROPOSAL_PARAMS,
											PROPOSAL_REASON,
											PROPOSAL_DEFINITION,
											PROPOSAL_REQUIRED_APPROVALS,
											PROPOSAL_REQUIREMENTS,
											PROPOSAL_RULE_ID,
											PROPOSAL_REVISED_BY,
											PROPOSAL_REVISED_AT,
											0};

/* An execution that becomes a dry run at its end stays one. */
static const AttrNumber execution_dry_run[] = {EXECUTION_DRY_RUN, 0};

static const StoreTableInfo *
table_of(Relation rel)
{
	StoreTable table;

	if (!store_table_of(rel, &table))
		elog(ERROR, "table \"%s\" is not one of the extension", RelationGetRelationName(rel));
	return store_table_info(table);
}

static const char *
call_instead(const StoreTableInfo *table, const char *command)
{
	if (strcmp(command, "INSERT") == 0)
		return table->insert_call;
	return strcmp(command, "UPDATE") == 0 ? table->update_call : table->delete_call;
}

static void
report_outside_write(const StoreTableInfo *table, const char *command)
{
	const char *call = call_instead(table, command);

	refusal_begin_statement(command, table->name);
	if (strcmp(command, "INSERT") != 0 && table->append_only)
		report_denied("wfo_outside_write",
					  errmsg("%s on table \"%s.%s\" is refused", command, WFO_SCHEMA, table->name),
					  errdetail("Rows of this table are never changed."));
	report_denied("wfo_outside_write",
				  errmsg("%s on table \"%s.%s\" is refused", command, WFO_SCHEMA, table->name),
				  errdetail("Only the functions of the extension write to this table."),
				  call != NULL ? errhint("Call the function %s instead.", call) : 0);
}

static void
check_fixed(const StoreTableInfo *table, const StoredRow *old, const StoredRow *new,
			const AttrNumber *columns)
{
	for (; *columns != 0; columns++)
		if (!column_is_same(old, new, *columns))
			report_wrong_state("wfo_column_fixed",
							   errmsg("column \"%s\" of table \"%s.%s\" cannot be changed",
									  NameStr(TupleDescAttr(old->desc, *columns - 1)->attname),
									  WFO_SCHEMA, table->name));
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
 * Check a change of status against the transition table. event is NULL if the
 * table does not keep one.  The extension may write two steps as one change: the
 * start of a queued call and its result.
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
							   errmsg("%s " INT64_FORMAT " is %s and cannot be changed",
									  object_name(object), column_int64(old, 1),
									  enum_label(type, from)));
		return;
	}
	if (!transition_exists(object, from, to) &&
		!(store_is_writing() && transition_exists_in_two(object, from, to)))
		report_wrong_state(
			"wfo_no_transition",
			errmsg("%s " INT64_FORMAT " cannot go from %s to %s", object_name(object),
				   column_int64(old, 1), enum_label(type, from), enum_label(type, to)),
			errhint("The function transitions() lists the changes that are allowed."));
	if (event != NULL && store_is_writing() &&
		(!event_parse(event, &parsed) || !transition_is_legal(object, from, parsed, to)))
		elog(ERROR, "event \"%s\" does not take a %s from %s to %s", event, object_name(object),
			 enum_label(type, from), enum_label(type, to));
}

/* Check that params, requirements and definition change only with the next revision. */
static void
check_revision(const StoredRow *old, const StoredRow *new)
{
	int64 before = column_int64(old, PROPOSAL_REVISION);
	int64 after = column_int64(new, PROPOSAL_REVISION);

	if (after == before)
		check_fixed(&proposal_table, old, new, revision_fixed);
	else if (after != before + 1)
		report_wrong_state("wfo_no_transition",
						   errmsg("proposal " INT64_FORMAT " cannot go from revision " INT64_FORMAT
								  " to " INT64_FORMAT,
								  column_int64(old, PROPOSAL_PROPOSAL_ID), before, after));
}

/* Check that an approved proposal has no open stage. */
static void
check_stage(const StoredRow *new)
{
	if (store_is_writing() && !column_is_null(new, PROPOSAL_STAGE) &&
		column_enum(new, PROPOSAL_STATUS, &proposal_status_type) == PROPOSAL_APPROVED)
		elog(ERROR, "proposal " INT64_FORMAT " is approved while a stage is open",
			 column_int64(new, PROPOSAL_PROPOSAL_ID));
}

static void
check_dry_run(const StoredRow *old, const StoredRow *new)
{
	if (!store_is_writing() || column_bool(old, EXECUTION_DRY_RUN))
		check_fixed(&execution_table, old, new, execution_dry_run);
}

/* Check that a row that has ended does not change. */
static void
check_not_ended(const StoreTableInfo *table, const StoredRow *old, const StoredRow *new)
{
	if (!column_is_null(old, table->ended_at) && is_changed(old, new))
		report_wrong_state("wfo_row_final",
						   errmsg("row " INT64_FORMAT " of table \"%s.%s\" has ended and cannot be "
								  "changed",
								  column_int64(old, 1), WFO_SCHEMA, table->name));
}

static bool
column_is_redacted(const StoreTableInfo *table, int column)
{
	for (const StorePersonal *personal = table->personal; personal != NULL && personal->column != 0;
		 personal++)
		if (personal->column == column)
			return true;
	for (const StoreIdentifying *identifying = table->identifying;
		 identifying != NULL && identifying->column != 0; identifying++)
		if (identifying->column == column)
			return true;
	return false;
}

/* Check that a redaction changes personal and identifying columns alone. */
static void
check_redaction(const StoreTableInfo *table, const StoredRow *old, const StoredRow *new)
{
	for (int column = 1; column <= Min(old->desc->natts, STORE_MAX_COLUMNS); column++)
		if (!column_is_same(old, new, column) && !column_is_redacted(table, column))
			elog(ERROR, "a redaction changes column \"%s\" of table \"%s\"",
				 NameStr(TupleDescAttr(old->desc, column - 1)->attname), table->name);
}

/*
 * Invalidate every backend's cache of a table, for a restore's writes as well
 * as the extension's.
 */
static void
invalidate_caches(const StoreTableInfo *table, Relation rel)
{
	if (table->cached)
		CacheInvalidateRelcache(rel);
}

/* Fill in the proposer of a restored row that has none, if the proposal is known. */
static HeapTuple
add_proposer(const StoreTableInfo *table, Relation rel, HeapTuple tuple)
{
	TupleDesc desc = RelationGetDescr(rel);
	int column = table->proposed_by;
	bool isnull;
	Datum id;
	const Proposal *proposal;
	Datum actor_id;

	if (column == 0 || !heap_attisnull(tuple, column, desc))
		return tuple;
	id = heap_getattr(tuple, table->proposal_id, desc, &isnull);
	proposal = isnull ? NULL : proposal_load(DatumGetInt64(id));
	if (proposal == NULL)
		return tuple;
	actor_id = Int64GetDatum(proposal->actor_id);
	return heap_modify_tuple_by_cols(tuple, desc, 1, &column, &actor_id, &isnull);
}

/* Check an insertion and return the row to insert. */
HeapTuple
guard_insert(Relation rel, HeapTuple tuple)
{
	const StoreTableInfo *table = table_of(rel);

	invalidate_caches(table, rel);
	if (store_is_writing())
		return tuple;
	if (!superuser() && !has_privs_of_role(GetUserId(), store_owner()))
		report_outside_write(table, "INSERT");
	return add_proposer(table, rel, tuple);
}

void
guard_update(Relation rel, HeapTuple old_tuple, HeapTuple new_tuple)
{
	const StoreTableInfo *table = table_of(rel);
	StoredRow old_row;
	StoredRow new_row;
	const StoredRow *old = &old_row;
	const StoredRow *new = &new_row;

	if (!store_is_writing())
		refusal_begin_statement("UPDATE", table->name);
	if (table->append_only && !store_is_redacting())
		report_outside_write(table, "UPDATE");
	stored_row_init(&old_row, old_tuple, RelationGetDescr(rel));
	stored_row_init(&new_row, new_tuple, RelationGetDescr(rel));
	if (store_is_redacting())
	{
		check_redaction(table, old, new);
		invalidate_caches(table, rel);
		return;
	}
	if (table->fixed != NULL)
		check_fixed(table, old, new, table->fixed);
	if (table->ended_at != 0)
		check_not_ended(table, old, new);
	if (table == &proposal_table)
		check_revision(old, new);
	if (table == &execution_table)
		check_dry_run(old, new);
	if (table->status != 0)
		check_transition(old, new, table->object, table->status,
						 table->event != 0 ? column_text(new, table->event) : NULL);
	if (table == &proposal_table)
		check_stage(new);
	if (!store_is_writing())
		report_outside_write(table, "UPDATE");
	invalidate_caches(table, rel);
}

/*
 * Only the extension deletes rows, and only of a table whose descriptor says so;
 * command is DELETE or TRUNCATE.
 */
void
guard_delete(Relation rel, const char *command)
{
	const StoreTableInfo *table = table_of(rel);

	if (!store_is_writing() || !store_deletes_from(table))
		report_outside_write(table, command);
}
