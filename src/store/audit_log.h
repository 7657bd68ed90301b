/*
 * audit_log.h
 *	  The table audit_log.
 */
#ifndef WFO_STORE_AUDIT_LOG_H
#define WFO_STORE_AUDIT_LOG_H

#include "postgres.h"

#include "store/table.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

enum
{
	AUDIT_AUDIT_ID = 1,
	AUDIT_OCCURRED_AT,
	AUDIT_ACTION,
	AUDIT_ACTOR_ID,
	AUDIT_PROPOSAL_ID,
	AUDIT_EXECUTION_ID,
	AUDIT_LOGIN,
	AUDIT_DETAILS,
	AUDIT_WORKFLOW_ID,
	AUDIT_DB_ROLE,
	AUDIT_APPLICATION_NAME,
	AUDIT_CLIENT_ADDR,
	AUDIT_BACKEND_PID,
	AUDIT_TRANSACTION_ID,
	AUDIT_QUERY,
	AUDIT_AUTHENTICATED_LOGIN,
	AUDIT_COLUMNS = AUDIT_AUTHENTICATED_LOGIN
};

/* The session that an entry is about, where that is not the session that writes it. */
typedef struct AuditSession
{
	TimestampTz occurred_at;
	const char *login;
	const char *db_role;
	const char *authenticated_login; /* NULL: there was none */
	const char *application_name;
	const char *client_addr; /* as text; NULL: a local connection */
	int backend_pid;
} AuditSession;

typedef struct AuditEntry
{
	const char *action;
	const int64 *actor_id; /* NULL where there is none, as below */
	const int64 *workflow_id;
	const int64 *proposal_id;
	const int64 *execution_id;
	Oid login;
	Oid db_role;
	const AuditSession *session; /* NULL: this session; else login and db_role are not used, and
								  * the row has no query */
	Jsonb *details;
} AuditEntry;

/* The columns that verify_audit_log() needs. */
typedef struct AuditRow
{
	int64 audit_id;
	TimestampTz occurred_at;
	char *action;
	int64 *actor_id;
	int64 *execution_id;
	Jsonb *details;
} AuditRow;

/* A statement of a client, by its text and the transaction that it was part of. */
typedef struct AuditStatement
{
	uint64 transaction_id;
	int backend_pid;
	char *query;
} AuditStatement;

/* Called after each insertion, in its transaction; NULL: nobody wants to know. */
extern void (*audit_inserted_hook)(void);

extern int64 audit_insert(const AuditEntry *entry);
extern StoredRow *audit_load(int64 audit_id);
extern AuditRow *audit_list_of_proposal(int64 proposal_id, int *count);
extern int64 *audit_list_of_statements(const AuditStatement *statements, int count, int *found);
extern int audit_read_page(const int64 *workflow_id, int64 after, int limit, StoredRow **rows);

#endif
