/*
 * verbs.h
 *	  What actors and administrators do, one function per call of the SQL
 *	  interface, one file per verb.
 *
 * Each function checks, locks, decides and writes in the caller's transaction,
 * in the order of the contract: arguments (22023), ids (42704), state (55000,
 * 55P03), identity (42501), second review (42710), slot (42501).  It either
 * does all of its work or raises an error, which undoes what was written.  Optional values are pointers that may be NULL.
 */
#ifndef WFO_ENGINE_VERBS_H
#define WFO_ENGINE_VERBS_H

#include "postgres.h"

#include "engine/run/queued.h"
#include "model/status.h"
#include "store/policy.h"
#include "utils/jsonb.h"
#include "utils/jsonpath.h"
#include "utils/timestamp.h"

/* actor.c */
extern int64 actor_register(const char *name, const char *role, Oid db_role, const char *kind,
							const char *person);

/* What is changed of an actor; NULL leaves as it is. */
typedef struct ActorChange
{
	char *name;
	char *role;
	Oid *db_role; /* InvalidOid: none */
	bool *active;
	char *person; /* empty: none */
} ActorChange;

extern void actor_update(int64 actor_id, const ActorChange *change);

/* workflow.c */
extern int64 workflow_start(const char *title, const int64 *actor_id, bool dry_run,
							Jsonb *metadata);
extern WorkflowStatus workflow_complete(int64 workflow_id, const int64 *actor_id);
extern WorkflowStatus workflow_cancel(int64 workflow_id, const int64 *actor_id, const char *reason);

/* propose.c */
typedef struct ProposeRequest
{
	int64 workflow_id;
	int64 *actor_id;
	char *tool;
	Jsonb *params;
	char *reason;
	char *idempotency_key;
	bool execute_on_approval;
} ProposeRequest;

extern int64 propose(const ProposeRequest *request, ProposalStatus *status);

/* review.c */
typedef struct ReviewRequest
{
	int64 proposal_id;
	int64 *reviewer_id;
	ReviewDecision decision;
	Jsonb *edits; /* with an edit */
	char *comment;
	int64 *expected_revision;
	int64 *preview_id;
} ReviewRequest;

extern ProposalStatus review(const ReviewRequest *request, Jsonb **final_tool_call);

/* revoke.c */
extern ProposalStatus approval_revoke(int64 proposal_id, const int64 *reviewer_id,
									  const char *reason);

/* delegate.c */
extern int64 review_delegate(int64 from_actor, int64 to_actor, TimestampTz ends_at);
extern void review_end_delegation(int64 delegation_id, const int64 *actor_id);

/* execute.c */
extern int64 execute(int64 proposal_id, const int64 *actor_id, Jsonb **result);
extern int64 execute_of_batch(int64 proposal_id, const int64 *actor_id, Jsonb **result);

/* enqueue.c */
typedef struct EnqueueRequest
{
	int64 proposal_id;
	int64 *actor_id;
	TimestampTz run_at; /* 0: at once */
	int64 priority;
} EnqueueRequest;

extern int64 enqueue(const EnqueueRequest *request);
extern void enqueue_when_approved(Proposal *proposal);

/* resume.c */
extern int64 queue_resume(void);

/* outcome.c */
extern Jsonb *execution_outcome(int64 execution_id, int64 *proposal_id);
extern bool proposal_outcome(int64 proposal_id, ProposalStatus *status);

/* review_many.c */
extern Jsonb *review_many(const ReviewRequest *requests, int count);

/* comment.c */
extern int64 proposal_comment(int64 proposal_id, const int64 *actor_id, const char *text);

/* preview.c */
extern Jsonb *preview(int64 proposal_id, const int64 *actor_id);

/* break_glass.c */
extern int64 break_glass(int64 proposal_id, const int64 *actor_id, const char *reason,
						 Jsonb **result);
extern void break_glass_review(int64 execution_id, const int64 *reviewer_id, const char *comment);

/* lifecycle.c */
extern ProposalStatus proposal_withdraw(int64 proposal_id, const int64 *actor_id,
										const char *reason);
extern ProposalStatus proposal_retry(int64 proposal_id, const int64 *actor_id);
extern int64 proposals_expire(void);

/* tool.c */
typedef struct ToolRequest
{
	char *tool;
	Oid function; /* InvalidOid: not given */
	Oid run_as;
	char *description;
	Interval *timeout;
	int64 *max_attempts;
	bool *in_session;
	bool *preview;
	DryRunMode *dry_run_mode;
	bool *rerun;
} ToolRequest;

extern void tool_register(const ToolRequest *request);
extern void tool_update(const ToolRequest *request);
extern void tool_set_enabled(const char *name, bool enabled);

/* accept.c */
extern int64 tool_accept_definition(const char *name, const int64 *actor_id, const char *reason);

/* rule.c */
typedef struct RuleRequest
{
	char *role;
	int64 approvals;
	int64 stage;
	char *tool;
	JsonPath *condition;
	char *description;
	bool agents;
} RuleRequest;

extern int64 rule_add(const RuleRequest *request);
extern void rule_drop(int64 rule_id);

/* grant.c */
extern void capability_grant(Oid role, const char *capability);
extern void capability_revoke(Oid role, const char *capability);
extern void grant_run_sql(Oid role);

/* freeze.c */
extern int64 freeze_add(const char *title, TimestampTz starts_at, TimestampTz ends_at,
						const char *tool);
extern void freeze_remove(int64 freeze_id);

/* policy.c */
typedef struct PolicyRequest
{
	bool *dry_run;
	int64 *default_approvals;
	bool *edit_needs_approval;
	bool *agents_may_review;
	Interval *proposal_ttl;
	Interval *approval_ttl;
	Interval *default_timeout;
	bool *notify;
} PolicyRequest;

extern void policy_set(const PolicyRequest *request, Policy *policy);

#endif
