/*
 * audit.c
 *	  Reads the audit log page by page.
 *
 * It owns who may read the log with get_audit_log, and adds what its rows leave
 * out: the params of the revision that a row is about.  It writes nothing.  Who
 * may SELECT from the table is in sql/privileges.sql and model/capability.c.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "engine/audit/audit.h"
#include "engine/identity/caller.h"
#include "engine/identity/readable.h"
#include "store/audit_log.h"
#include "store/revision.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/* Set what is called after each row of the log is written, when the library is preloaded. */
void
audit_define(void (*inserted)(void))
{
	audit_inserted_hook = inserted;
}

/*
 * Whether the caller may read the workflow's log: with the capability audit or
 * administer, or as the actor that started the workflow.
 */
static bool
may_read(const Caller *caller, const Workflow *workflow)
{
	const Actor *actor;

	if (caller_has(caller, CAPABILITY_AUDIT) || caller_has(caller, CAPABILITY_ADMINISTER))
		return true;
	actor = workflow->actor_id != NULL ? actor_load(*workflow->actor_id) : NULL;
	return actor != NULL && actor->active && caller_is_owner_of(caller, actor);
}

static void
check_may_read(const Caller *caller, int64 workflow_id)
{
	const Workflow *workflow = readable_workflow(caller, workflow_id);

	if (workflow == NULL || !may_read(caller, workflow))
		report_denied("wfo_not_yours",
					  errmsg("the audit log of workflow " INT64_FORMAT " is not yours to read",
							 workflow_id),
					  errhint("Ask for the capability \"audit\"."));
}

/*
 * Check whether a workflow can be reported on: that the caller may read its log,
 * and that the server has the XML functions that the report is made with.
 */
void
audit_check_report(int64 workflow_id)
{
	Caller caller;

	caller_identify(&caller);
	check_may_read(&caller, workflow_id);
#ifndef USE_LIBXML
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errreason("wfo_no_xml"),
					errmsg("workflow_report needs SQL's XML functions"),
					errdetail("This server is built without libxml."),
					errhint("Use a server that is built with libxml, or read the tables.")));
#endif
}

/*
 * Check whether the caller may read the rows that belong to no workflow: those
 * about grants, policy, rules, tools and actors.
 */
static void
check_may_read_unassigned(const Caller *caller)
{
	if (caller_has(caller, CAPABILITY_AUDIT) || caller_has(caller, CAPABILITY_ADMINISTER))
		return;
	report_denied("wfo_not_yours",
				  errmsg("the audit log of what belongs to no workflow is not yours to read"),
				  errhint("Ask for the capability \"audit\", or name a workflow of your own."));
}

/*
 * Begin to read the log of a workflow, or if that is NULL the rows that belong
 * to no workflow.  The reader and its pages are allocated in the current memory
 * context.  It holds no scan between two rows, so a caller may stop at any row.
 */
AuditReader *
audit_reader_begin(const int64 *workflow_id)
{
	AuditReader *reader = palloc0(sizeof(AuditReader));
	Caller caller;

	reader->last_id = PG_INT64_MIN;
	caller_identify(&caller);
	if (workflow_id != NULL)
	{
		check_may_read(&caller, *workflow_id);
		reader->workflow_id = palloc(sizeof(int64));
		*reader->workflow_id = *workflow_id;
	}
	else
		check_may_read_unassigned(&caller);
	reader->page = AllocSetContextCreate(CurrentMemoryContext, "page of the audit log",
										 ALLOCSET_DEFAULT_SIZES);
	return reader;
}

/* Read the next page.  Returns false after the last row. */
static bool
read_page(AuditReader *reader)
{
	MemoryContext old;

	MemoryContextReset(reader->page);
	old = MemoryContextSwitchTo(reader->page);
	reader->count = audit_read_page(reader->workflow_id, reader->last_id, AUDIT_PAGE, reader->rows);
	reader->next = 0;
	MemoryContextSwitchTo(old);
	return reader->count > 0;
}

/* Whether a row is about a call that was proposed, changed or run. */
static bool
tells_of_call(const char *action, Jsonb *details)
{
	if (strcmp(action, "review_action") == 0)
		return json_find(details, "edits") != NULL;
	return strcmp(action, "propose_action") == 0 || strcmp(action, "revise_proposal") == 0 ||
		   strcmp(action, "execute_action") == 0 || strcmp(action, "accept_tool_definition") == 0;
}

/* Return the number of the revision whose params a row is about, or 0. */
static int64
revision_of(const char *action, Jsonb *details)
{
	JsonbValue *revision = json_find(details, "revision");

	int64 number;

	if (revision == NULL || !json_value_int64(revision, &number) || !tells_of_call(action, details))
		return 0;
	return number;
}

/* Return the details of a row, with the params of the revision that it is about. */
static Jsonb *
details_with_params(const StoredRow *row)
{
	Jsonb *details = column_some_varlena(row, AUDIT_DETAILS);
	int64 revision_number;
	Revision *revision;
	JsonObject params;

	if (column_is_null(row, AUDIT_PROPOSAL_ID))
		return details;
	revision_number = revision_of(column_some_text(row, AUDIT_ACTION), details);
	if (revision_number == 0)
		return details;
	revision = revision_load(column_int64(row, AUDIT_PROPOSAL_ID), revision_number);
	if (revision == NULL)
		return details;
	json_object_begin(&params);
	json_add_jsonb(&params, "params", revision->params);
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(details),
											  JsonbPGetDatum(json_object_end(&params))));
}

/*
 * Return the next row, oldest first, in the columns of get_audit_log().  The
 * values are in the current memory context or valid until the next call.
 * Returns false after the last row.
 */
bool
audit_reader_next(AuditReader *reader, Datum *values, bool *nulls)
{
	StoredRow *row;

	if (reader->next == reader->count && !read_page(reader))
		return false;
	row = reader->rows[reader->next++];
	reader->last_id = column_int64(row, AUDIT_AUDIT_ID);
	memcpy(values, row->values, AUDIT_DETAILS * sizeof(Datum));
	memcpy(nulls, row->nulls, AUDIT_DETAILS * sizeof(bool));
	values[AUDIT_LOGIN - 1] =
		DirectFunctionCall1(namein, CStringGetDatum(column_some_text(row, AUDIT_LOGIN)));
	values[AUDIT_DETAILS - 1] = JsonbPGetDatum(details_with_params(row));
	return true;
}
