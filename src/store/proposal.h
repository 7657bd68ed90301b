/*
 * proposal.h
 *	  The table proposal.
 */
#ifndef WFO_STORE_PROPOSAL_H
#define WFO_STORE_PROPOSAL_H

#include "postgres.h"

#include "store/table.h"
#include "model/person.h"
#include "model/status.h"
#include "model/transition.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

enum
{
	PROPOSAL_PROPOSAL_ID = 1,
	PROPOSAL_WORKFLOW_ID,
	PROPOSAL_ACTOR_ID,
	PROPOSAL_STATUS,
	PROPOSAL_OPEN,
	PROPOSAL_DRY_RUN,
	PROPOSAL_REVISION,
	PROPOSAL_APPROVALS,
	PROPOSAL_REQUIRED_APPROVALS,
	PROPOSAL_REQUIREMENTS,
	PROPOSAL_STAGE,
	PROPOSAL_RULE_ID,
	PROPOSAL_REVISED_BY,
	PROPOSAL_PROPOSER_MAY_REVIEW,
	PROPOSAL_EXECUTE_ON_APPROVAL,
	PROPOSAL_PROPOSED_AT,
	PROPOSAL_STATUS_AT,
	PROPOSAL_STATUS_BY,
	PROPOSAL_EXPIRES_AT,
	PROPOSAL_APPROVAL_TTL,
	PROPOSAL_EVENT,
	PROPOSAL_STATUS_REASON,
	PROPOSAL_TOOL,
	PROPOSAL_PARAMS,
	PROPOSAL_REASON,
	PROPOSAL_IDEMPOTENCY_KEY,
	PROPOSAL_DEFINITION,
	PROPOSAL_PERSON,
	PROPOSAL_DB_ROLE,
	PROPOSAL_LOGIN,
	PROPOSAL_REVISED_AT,
	PROPOSAL_REQUESTED_SINCE,
	PROPOSAL_MAX_ROWS,
	PROPOSAL_STANDING_ID,
	PROPOSAL_COLUMNS = PROPOSAL_STANDING_ID
};

typedef struct Proposal
{
	int64 proposal_id;
	int64 workflow_id;
	int64 actor_id;
	ProposalStatus status;
	bool dry_run; /* the workflow's */
	int64 revision;
	int64 approvals;
	int64 required_approvals;
	Jsonb *requirements;
	int64 *stage;       /* NULL: all are complete */
	int64 *rule_id;     /* NULL: people decide */
	int64 *standing_id; /* that has approved it; NULL: none */
	int64 revised_by;
	bool proposer_may_review;
	bool execute_on_approval;
	int64 requested_since;  /* first revision of this wording with a request; 0: none */
	const int64 *max_rows;  /* that approvals let the call change; NULL: any number */
	TimestampTz expires_at; /* 0: never */
	Interval *approval_ttl; /* NULL: no limit */
	char *tool;
	Jsonb *params;
	char *reason;
	bytea *definition;
	Person proposer;
	StoredRow *row;
} Proposal;

/* What a purge needs to know of a proposal. */
typedef struct PurgedProposal
{
	int64 proposal_id;
	int64 actor_id;
	ProposalStatus status;
	bool is_standing;      /* it asks for a standing approval */
	char *idempotency_key; /* NULL: none */
} PurgedProposal;

/* An approved proposal in a search by params. */
typedef struct ApprovedParams
{
	int64 proposal_id;
	int64 workflow_id;
} ApprovedParams;

extern Proposal *proposal_load(int64 proposal_id);
extern char *proposal_idempotency_key(const Proposal *proposal);
extern Proposal *proposal_find_by_key(int64 actor_id, const char *idempotency_key);
extern StoreLock proposal_lock(int64 proposal_id, LockWaitPolicy wait, Proposal **proposal);
extern Proposal *proposal_find_begin(StoreFound *found, int64 proposal_id);
extern StoreLock proposal_lock_found(StoreFound *found, LockWaitPolicy wait, Proposal **proposal);
extern int proposal_count_open(int64 actor_id, int limit);
extern int64 *proposal_list_unfinished(int64 workflow_id, int *count);
extern int64 *proposal_list_open_of_workflow(int64 workflow_id, int limit, int *count);
extern PurgedProposal *proposal_list_to_purge(int64 workflow_id, int *count);
extern int64 *proposal_list(const int64 *workflow_id, int *count);
extern ApprovedParams *proposal_list_approved(const char *tool, const uint32 *hash, int limit,
											  int among, int *count);
extern TransactionId *proposal_lockers(int64 proposal_id, int *count);
extern int64 *proposal_list_open(int *count);
extern int64 *proposal_list_of_standing(int64 actor_id, int64 standing_id, int *count);
extern int64 *proposal_list_open_of_tool(const char *tool, int *count);
extern int64 *proposal_list_expired(TimestampTz now, int limit, int *count);
extern void proposal_change(Proposal *proposal, StoreRow *row, Event event, ProposalStatus status,
							const int64 *by, const char *reason);

#endif
