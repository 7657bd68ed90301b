/*
 * requirement.h
 *	  What approvals a revision needs, by the rules and the policy.
 */
#ifndef WFO_ENGINE_REQUIREMENT_H
#define WFO_ENGINE_REQUIREMENT_H

#include "postgres.h"

#include "model/quorum.h"
#include "store/actor.h"
#include "store/policy.h"
#include "store/proposal.h"
#include "store/revision.h"
#include "store/rule.h"
#include "store/workflow.h"

/* What the rules look at; the params are the revision's. */
typedef struct RequirementSubject
{
	const char *tool;
	const char *reason;
	const Actor *proposer;
	const Actor *author;      /* of the revision */
	int64 workflow_id;        /* 0: not known, nor is what conditions say of it */
	const Workflow *workflow; /* NULL: read where it is needed */
	bool may_be_automatic;    /* whether rules with 0 approvals count */
} RequirementSubject;

/* What a call needs. */
typedef struct Need
{
	Quorum quorum;
	List **rules;          /* of each requirement: the Rules that cause it */
	const Rule *automatic; /* approves the call by itself; NULL: people decide */
} Need;

/* A call of which it is asked whether the actors registered now could approve it. */
typedef struct RosterSubject
{
	const char *tool;
	Jsonb *params;
	int64 proposer_id;
} RosterSubject;

extern void requirement_find(Need *need, const RequirementSubject *subject, Jsonb *params,
							 const Policy *policy, const Rule *more);
extern void requirement_work_out(Revision *revision, const RequirementSubject *subject,
								 const Policy *policy);
extern bool requirement_read(Jsonb *requirements, Quorum *quorum);
extern Quorum requirement_quorum(Jsonb *requirements);
extern char *requirement_describe(const Quorum *quorum, int64 stage);
extern bool actor_could_review(const Actor *actor, const char *tool, bool agents_may_review);
extern int64 requirement_count_people(const char *role, int64 needed, const Policy *policy);
extern bool requirement_can_be_met(const Jsonb *requirements, const RosterSubject *subject,
								   const Policy *policy);
extern void requirement_warn_if_nobody(const Revision *revision, const char *tool,
									   int64 proposer_id, const Policy *policy);

#endif
