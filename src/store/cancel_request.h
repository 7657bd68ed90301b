/*
 * cancel_request.h
 *	  The table cancel_request: requests to end a running call.
 *
 * A row counts from the commit of the transaction that wrote it.  It says
 * nothing about the fate of the call, which may have ended before.
 */
#ifndef WFO_STORE_CANCEL_REQUEST_H
#define WFO_STORE_CANCEL_REQUEST_H

#include "postgres.h"

#include "store/table.h"
#include "utils/timestamp.h"

enum
{
	CANCEL_REQUEST_REQUEST_ID = 1,
	CANCEL_REQUEST_EXECUTION_ID,
	CANCEL_REQUEST_PROPOSAL_ID,
	CANCEL_REQUEST_WORKFLOW_ID,
	CANCEL_REQUEST_REQUESTED_AT,
	CANCEL_REQUEST_ACTOR_ID,
	CANCEL_REQUEST_LOGIN,
	CANCEL_REQUEST_REASON,
	CANCEL_REQUEST_PROPOSED_BY,
	CANCEL_REQUEST_COLUMNS = CANCEL_REQUEST_PROPOSED_BY
};

typedef struct CancelRequest
{
	int64 execution_id;
	int64 proposal_id;
	int64 proposed_by;
	int64 workflow_id;
	const int64 *actor_id; /* NULL: nobody in particular */
	const char *login;
	const char *reason; /* or NULL */
} CancelRequest;

extern CancelRequest *cancel_request_first(int64 execution_id);
extern void cancel_request_insert(const CancelRequest *request);

#endif
