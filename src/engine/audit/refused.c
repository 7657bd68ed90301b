/*
 * refused.c
 *	  The audit rows of refused attempts.
 *
 * The transaction of a refused attempt is rolled back, so its audit row is written
 * by another process, the sealer.  This file owns what is kept of an attempt, in
 * the session that made it, and what its row says.  How it gets from one process
 * to the other, and how many there may be, is the business of worker/pool.
 *
 * Of what was asked only the ids are kept, never params and never the query.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/role_name.h"
#include "engine/audit/refused.h"
#include "engine/running.h"
#include "miscadmin.h"
#include "store/audit_log.h"
#include "store/execution.h"
#include "store/proposal.h"
#include "store/workflow.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

static void
copy_name(char *to, const char *from)
{
	strlcpy(to, from != NULL ? from : "", NAMEDATALEN);
}

static void
fill_session(RefusedSession *session)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum address;

	copy_name(session->login, role_name_of(GetSessionUserId()));
	copy_name(session->db_role,
			  role_name_of(running_is_sandboxed() ? running_role() : GetOuterUserId()));
	copy_name(session->authenticated_login, role_name_or_null(authenticated_role()));
	copy_name(session->application_name, application_name);
	session->backend_pid = MyProcPid;
	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	if (!fcinfo->isnull)
		strlcpy(session->client_addr, DatumGetCString(DirectFunctionCall1(inet_out, address)),
				REFUSED_ADDRESS_MAX);
}

/* Fill in what is kept of an attempt that this session has just made. */
void
refused_fill(RefusedAttempt *attempt, int sqlstate, const char *reason)
{
	const RefusalSubject *subject = refusal_subject();

	memset(attempt, 0, sizeof(RefusedAttempt));
	fill_session(&attempt->session);
	copy_name(attempt->call, subject->call);
	copy_name(attempt->table, subject->table);
	attempt->sqlstate = sqlstate;
	strlcpy(attempt->reason, reason, REFUSED_REASON_MAX);
	for (int id = 0; id < REFUSAL_IDS; id++)
		attempt->has_id[id] = refusal_subject_id(id, &attempt->ids[id]);
	attempt->first_at = attempt->last_at = GetCurrentTimestamp();
}

/* Set the ids of the entry's columns: those of rows that exist, and what they belong to. */
static void
set_ids(AuditEntry *entry, const RefusedAttempt *attempt)
{
	const Execution *execution = NULL;
	const Proposal *proposal = NULL;
	const Workflow *workflow = NULL;

	if (attempt->has_id[REFUSAL_EXECUTION])
		execution = execution_load(attempt->ids[REFUSAL_EXECUTION]);
	if (attempt->has_id[REFUSAL_PROPOSAL])
		proposal = proposal_load(attempt->ids[REFUSAL_PROPOSAL]);
	else if (execution != NULL)
		proposal = proposal_load(execution->proposal_id);
	if (proposal != NULL)
		workflow = workflow_load(proposal->workflow_id);
	else if (attempt->has_id[REFUSAL_WORKFLOW])
		workflow = workflow_load(attempt->ids[REFUSAL_WORKFLOW]);
	entry->execution_id = execution != NULL ? &execution->execution_id : NULL;
	entry->proposal_id = proposal != NULL ? &proposal->proposal_id : NULL;
	entry->workflow_id = workflow != NULL ? &workflow->workflow_id : NULL;
}

static Jsonb *
details_of(const RefusedAttempt *attempt)
{
	JsonObject details;

	json_object_begin(&details);
	if (attempt->call[0] != '\0')
		json_add_text(&details, "call", attempt->call);
	if (attempt->table[0] != '\0')
		json_add_text(&details, "table", attempt->table);
	if (attempt->sqlstate != 0)
	{
		json_add_text(&details, "sqlstate", unpack_sql_state(attempt->sqlstate));
		json_add_text(&details, "reason", attempt->reason);
	}
	for (int id = 0; id < REFUSAL_IDS; id++)
		if (attempt->has_id[id])
			json_add_int(&details, refusal_id_name(id), attempt->ids[id]);
	if (attempt->count > 0)
	{
		json_add_int(&details, "count", attempt->count);
		json_add_time(&details, "first_at", attempt->first_at);
		json_add_time(&details, "last_at", attempt->last_at);
	}
	return json_object_end(&details);
}

/* Write the audit row of an attempt, in the current transaction. */
void
refused_write(const RefusedAttempt *attempt)
{
	const RefusedSession *from = &attempt->session;
	AuditSession session = {.occurred_at = attempt->first_at,
							.login = from->login,
							.db_role = from->db_role,
							.application_name = from->application_name,
							.backend_pid = from->backend_pid};
	AuditEntry entry = {.action = attempt->sqlstate != 0 ? "refused" : "refused_flood",
						.session = &session};

	if (from->authenticated_login[0] != '\0')
		session.authenticated_login = from->authenticated_login;
	if (from->client_addr[0] != '\0')
		session.client_addr = from->client_addr;
	set_ids(&entry, attempt);
	entry.details = details_of(attempt);
	audit_insert(&entry);
}
