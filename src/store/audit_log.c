/*
 * audit_log.c
 *	  The table audit_log.
 *
 * Owns its descriptor and what a row says of the connection: process, client,
 * transaction and query.  What happened is the caller's to say.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/grow.h"
#include "base/role_name.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/audit_log.h"
#include "store/table.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

const StoreTableInfo audit_log_table = {
	.name = "audit_log",
	.id_sequence = "audit_log_audit_id_seq",
	.columns = AUDIT_COLUMNS,
	.append_only = true,
	.purged_by = AUDIT_WORKFLOW_ID,
	.purge_index = "audit_log_workflow_idx",
	.personal = (const StorePersonal[]){{AUDIT_QUERY, REDACTED_TO_NULL},
										{AUDIT_DETAILS, REDACTED_TO_FACTS},
										{0}},
	.identifying = (const StoreIdentifying[]){{AUDIT_LOGIN, IDENTITY_ROLE},
											  {AUDIT_AUTHENTICATED_LOGIN, IDENTITY_ROLE},
											  {AUDIT_DB_ROLE, IDENTITY_ROLE},
											  {AUDIT_APPLICATION_NAME, IDENTITY_EMPTY},
											  {AUDIT_CLIENT_ADDR, IDENTITY_NULL},
											  {0}},
	.actor_id = AUDIT_ACTOR_ID,
};

void (*audit_inserted_hook)(void) = NULL;

/* How many bytes of the client's query are kept. */
#define QUERY_MAX 8192

/* Set the client's address, as inet_client_addr() returns it: null for a local connection. */
static void
set_client_addr(StoreRow *row)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum addr;

	row_set_null(row, AUDIT_CLIENT_ADDR);
	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	addr = inet_client_addr(fcinfo);
	if (!fcinfo->isnull)
		row_set(row, AUDIT_CLIENT_ADDR, addr);
}

/* Set what the row says of this session. */
static void
set_own_session(StoreRow *row, const AuditEntry *entry)
{
	row_set_time(row, AUDIT_OCCURRED_AT, GetCurrentTimestamp());
	row_set_text(row, AUDIT_LOGIN, role_name_of(entry->login));
	row_set_text(row, AUDIT_DB_ROLE, role_name_of(entry->db_role));
	row_set_text(row, AUDIT_APPLICATION_NAME, application_name != NULL ? application_name : "");
	set_client_addr(row);
	row_set_text(row, AUDIT_AUTHENTICATED_LOGIN, role_name_or_null(authenticated_role()));
	row_set(row, AUDIT_BACKEND_PID, Int32GetDatum(MyProcPid));
	if (debug_query_string != NULL)
		row_set(row, AUDIT_QUERY,
				PointerGetDatum(cstring_to_text_with_len(debug_query_string,
														 pg_mbcliplen(debug_query_string,
																	  strlen(debug_query_string),
																	  QUERY_MAX))));
}

/* Set what the row says of another session. */
static void
set_other_session(StoreRow *row, const AuditSession *session)
{
	row_set_time(row, AUDIT_OCCURRED_AT, session->occurred_at);
	row_set_text(row, AUDIT_LOGIN, session->login);
	row_set_text(row, AUDIT_DB_ROLE, session->db_role);
	row_set_text(row, AUDIT_APPLICATION_NAME, session->application_name);
	row_set_null(row, AUDIT_CLIENT_ADDR);
	if (session->client_addr != NULL)
		row_set(row, AUDIT_CLIENT_ADDR,
				DirectFunctionCall1(inet_in, CStringGetDatum(session->client_addr)));
	row_set_text(row, AUDIT_AUTHENTICATED_LOGIN, session->authenticated_login);
	row_set(row, AUDIT_BACKEND_PID, Int32GetDatum(session->backend_pid));
}

/* Write an entry, in the current transaction, and return its id. */
int64
audit_insert(const AuditEntry *entry)
{
	StoreRow row;
	int64 audit_id;

	/* The sealer waits for the writers of lower ids, whom it knows by this lock. */
	store_lock_to_write(STORE_AUDIT_LOG);
	store_row_init(&row, STORE_AUDIT_LOG);
	audit_id = store_next_id(STORE_AUDIT_LOG);
	row_set_int64(&row, AUDIT_AUDIT_ID, audit_id);
	row_set_text(&row, AUDIT_ACTION, entry->action);
	row_set_id(&row, AUDIT_ACTOR_ID, entry->actor_id);
	row_set_id(&row, AUDIT_PROPOSAL_ID, entry->proposal_id);
	row_set_id(&row, AUDIT_EXECUTION_ID, entry->execution_id);
	row_set_pointer(&row, AUDIT_DETAILS, entry->details);
	row_set_id(&row, AUDIT_WORKFLOW_ID, entry->workflow_id);
	row_set(&row, AUDIT_TRANSACTION_ID, FullTransactionIdGetDatum(GetTopFullTransactionId()));
	if (entry->session != NULL)
		set_other_session(&row, entry->session);
	else
		set_own_session(&row, entry);
	store_insert(&row);
	if (audit_inserted_hook != NULL)
		audit_inserted_hook();
	return audit_id;
}

/* Return a copy of the row with this id, or NULL. */
StoredRow *
audit_load(int64 audit_id)
{
	ScanKeyData key;

	store_key_int64(&key, AUDIT_AUDIT_ID, audit_id);
	return store_fetch(STORE_AUDIT_LOG, "audit_log_pkey", 1, &key);
}

/*
 * Read up to limit rows of a workflow, or if that is NULL of those that belong
 * to none, with ids above "after", oldest first.  The rows are copies in the
 * current memory context.
 */
int
audit_read_page(const int64 *workflow_id, int64 after, int limit, StoredRow **rows)
{
	ScanKeyData keys[2];
	StoreScan scan;
	int count = 0;

	if (workflow_id != NULL)
		store_key_int64(&keys[0], AUDIT_WORKFLOW_ID, *workflow_id);
	else
		store_key_null(&keys[0], AUDIT_WORKFLOW_ID);
	store_key_int64_after(&keys[1], AUDIT_AUDIT_ID, after);
	store_scan_begin(&scan, STORE_AUDIT_LOG, "audit_log_workflow_idx", 2, keys);
	while (count < limit && store_scan_next(&scan) != NULL)
		rows[count++] = store_scan_copy(&scan);
	store_scan_end(&scan);
	return count;
}

static int
compare_audit_ids(const void *a, const void *b)
{
	int64 left = ((const AuditRow *) a)->audit_id;
	int64 right = ((const AuditRow *) b)->audit_id;

	return (left > right) - (left < right);
}

/* Return the rows of a proposal, oldest first. */
AuditRow *
audit_list_of_proposal(int64 proposal_id, int *count)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	AuditRow *rows = NULL;

	*count = 0;
	store_key_int64(&key, AUDIT_PROPOSAL_ID, proposal_id);
	store_scan_begin(&scan, STORE_AUDIT_LOG, "audit_log_proposal_idx", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		GROW_ARRAY(rows, *count, size);
		rows[*count].audit_id = column_int64(row, AUDIT_AUDIT_ID);
		rows[*count].occurred_at = column_int64(row, AUDIT_OCCURRED_AT);
		rows[*count].action = column_some_text(row, AUDIT_ACTION);
		rows[*count].actor_id = column_int64_or_null(row, AUDIT_ACTOR_ID);
		rows[*count].execution_id = column_int64_or_null(row, AUDIT_EXECUTION_ID);
		rows[*count].details = column_some_varlena(row, AUDIT_DETAILS);
		(*count)++;
	}
	store_scan_end(&scan);
	qsort(rows, *count, sizeof(AuditRow), compare_audit_ids);
	return rows;
}

static bool
is_among(const AuditStatement *statements, int count, const StoredRow *row)
{
	uint64 transaction_id = DatumGetUInt64(row->values[AUDIT_TRANSACTION_ID - 1]);

	for (int i = 0; i < count; i++)
		if (statements[i].transaction_id == transaction_id &&
			statements[i].backend_pid == DatumGetInt32(row->values[AUDIT_BACKEND_PID - 1]) &&
			!column_is_null(row, AUDIT_QUERY) &&
			strcmp(statements[i].query, column_text(row, AUDIT_QUERY)) == 0)
			return true;
	return false;
}

/* Return the ids of the rows that have one of these statements.  Reads the whole log. */
int64 *
audit_list_of_statements(const AuditStatement *statements, int count, int *found)
{
	StoreScan scan;
	StoredRow *row;
	int size = 0;
	int64 *ids = NULL;

	*found = 0;
	store_scan_begin(&scan, STORE_AUDIT_LOG, NULL, 0, NULL);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_among(statements, count, row))
			continue;
		GROW_ARRAY(ids, *found, size);
		ids[(*found)++] = column_int64(row, AUDIT_AUDIT_ID);
	}
	store_scan_end(&scan);
	return ids;
}
