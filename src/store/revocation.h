/*
 * revocation.h
 *	  The table revocation.
 */
#ifndef WFO_STORE_REVOCATION_H
#define WFO_STORE_REVOCATION_H

#include "postgres.h"

#include "model/status.h"

enum
{
	REVOCATION_REVIEW_ID = 1,
	REVOCATION_PROPOSAL_ID,
	REVOCATION_WORKFLOW_ID,
	REVOCATION_REVISION,
	REVOCATION_FOLLOWS,
	REVOCATION_ACTOR_ID,
	REVOCATION_STATUS,
	REVOCATION_REVOKED_AT,
	REVOCATION_REASON,
	REVOCATION_PROPOSED_BY,
	REVOCATION_COLUMNS = REVOCATION_PROPOSED_BY
};

typedef struct Revocation
{
	int64 review_id;
	int64 proposal_id;
	int64 proposed_by;
	int64 workflow_id;
	int64 revision;
	const int64 *follows; /* NULL: the reviewer revoked it */
	int64 actor_id;
	ProposalStatus status;
	const char *reason;
} Revocation;

extern void revocation_insert(const Revocation *revocation);
extern int64 *revocation_list(int64 proposal_id, int64 revision, int *count);
extern int64 *revocation_list_all(int64 proposal_id, int *count);
extern int revocation_count(int64 proposal_id);

#endif
