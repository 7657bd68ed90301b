/*
 * cancel_request.c
 *	  The table cancel_request: requests to end a running call.
 *
 * Owns its descriptor and how a row becomes a struct and back.  What becomes of
 * the call is not its business.
 */
#include "postgres.h"

#include "store/cancel_request.h"
#include "store/table.h"

const StoreTableInfo cancel_request_table = {
	.name = "cancel_request",
	.id_sequence = "cancel_request_request_id_seq",
	.columns = CANCEL_REQUEST_COLUMNS,
	.append_only = true,
	.personal = (const StorePersonal[]){{CANCEL_REQUEST_REASON, REDACTED_TO_NULL}, {0}},
	.identifying = (const StoreIdentifying[]){{CANCEL_REQUEST_LOGIN, IDENTITY_ROLE}, {0}},
	.actor_id = CANCEL_REQUEST_ACTOR_ID,
	.workflow_id = CANCEL_REQUEST_WORKFLOW_ID,
	.proposal_id = CANCEL_REQUEST_PROPOSAL_ID,
	.execution_id = CANCEL_REQUEST_EXECUTION_ID,
	.proposed_by = CANCEL_REQUEST_PROPOSED_BY,
	.purged_by = CANCEL_REQUEST_EXECUTION_ID,
	.purge_index = "cancel_request_execution_idx",
	.insert_call = "cancel_execution",
};

/* Return the first committed request for an execution, or NULL. */
CancelRequest *
cancel_request_first(int64 execution_id)
{
	ScanKeyData key;
	StoredRow *row;
	CancelRequest *request;

	store_key_int64(&key, CANCEL_REQUEST_EXECUTION_ID, execution_id);
	row = store_fetch(STORE_CANCEL_REQUEST, "cancel_request_execution_idx", 1, &key);
	if (row == NULL)
		return NULL;
	request = palloc(sizeof(CancelRequest));
	request->execution_id = execution_id;
	request->proposal_id = column_int64(row, CANCEL_REQUEST_PROPOSAL_ID);
	request->workflow_id = column_int64(row, CANCEL_REQUEST_WORKFLOW_ID);
	request->actor_id = column_int64_or_null(row, CANCEL_REQUEST_ACTOR_ID);
	request->login = column_text(row, CANCEL_REQUEST_LOGIN);
	request->reason = column_text(row, CANCEL_REQUEST_REASON);
	return request;
}

void
cancel_request_insert(const CancelRequest *request)
{
	StoreRow row;

	store_row_init(&row, STORE_CANCEL_REQUEST);
	row_set_int64(&row, CANCEL_REQUEST_REQUEST_ID, store_next_id(STORE_CANCEL_REQUEST));
	row_set_int64(&row, CANCEL_REQUEST_EXECUTION_ID, request->execution_id);
	row_set_int64(&row, CANCEL_REQUEST_PROPOSAL_ID, request->proposal_id);
	row_set_int64(&row, CANCEL_REQUEST_PROPOSED_BY, request->proposed_by);
	row_set_int64(&row, CANCEL_REQUEST_WORKFLOW_ID, request->workflow_id);
	row_set_time(&row, CANCEL_REQUEST_REQUESTED_AT, GetCurrentTimestamp());
	row_set_id(&row, CANCEL_REQUEST_ACTOR_ID, request->actor_id);
	row_set_text(&row, CANCEL_REQUEST_LOGIN, request->login);
	row_set_text(&row, CANCEL_REQUEST_REASON, request->reason);
	store_insert(&row);
}
