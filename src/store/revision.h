/*
 * revision.h
 *	  The table proposal_revision.
 */
#ifndef WFO_STORE_REVISION_H
#define WFO_STORE_REVISION_H

#include "postgres.h"

#include "model/person.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

enum
{
	REVISION_PROPOSAL_ID = 1,
	REVISION_REVISION,
	REVISION_ACTOR_ID,
	REVISION_CREATED_AT,
	REVISION_APPROVE_UNTIL,
	REVISION_REQUIRED_APPROVALS,
	REVISION_REQUIREMENTS,
	REVISION_RULE_ID,
	REVISION_PARAMS,
	REVISION_DEFINITION,
	REVISION_PERSON,
	REVISION_DB_ROLE,
	REVISION_LOGIN,
	REVISION_PROPOSED_BY,
	REVISION_REASON,
	REVISION_APPROVAL_TTL,
	REVISION_COLUMNS = REVISION_APPROVAL_TTL
};

typedef struct Revision
{
	int64 proposal_id;
	int64 proposed_by;
	int64 revision;
	Person author;
	TimestampTz created_at;       /* of one to be written */
	TimestampTz approve_until;    /* 0: no limit */
	const Interval *approval_ttl; /* of one to be written; NULL: no limit */
	int64 required_approvals;
	Jsonb *requirements;
	const int64 *rule_id; /* NULL: people decide */
	Jsonb *params;
	const char *reason;
	bytea *definition;
} Revision;

extern Revision *revision_load(int64 proposal_id, int64 revision);
extern void revision_insert(const Revision *revision);

#endif
