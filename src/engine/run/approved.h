/*
 * approved.h
 *	  An approved call, and whether it may run now.
 */
#ifndef WFO_ENGINE_APPROVED_H
#define WFO_ENGINE_APPROVED_H

#include "postgres.h"

#include "engine/tool/definition.h"
#include "engine/tool/result.h"
#include "store/actor.h"
#include "store/break_glass.h"
#include "store/execution.h"
#include "store/policy.h"
#include "store/proposal.h"
#include "store/tool.h"

/* A call with what is needed to run it. */
typedef struct ApprovedCall
{
	Proposal *proposal;
	const Tool *tool;
	const Definition *definition;
	const Policy *policy;
	Oid run_as;
	const int64 *max_rows; /* that the call may change; NULL: any number */
	bool dry_run;
} ApprovedCall;

/* The id under which a call runs, and the actor that it runs for. */
typedef struct Run
{
	int64 execution_id;
	const Actor *actor;       /* NULL: nobody in particular */
	const BreakGlass *broken; /* it runs without its approvals; else NULL */
	bool in_worker;
} Run;

extern Execution approved_execution(const Proposal *proposal, const int64 *actor_id,
									const char *login);
extern Proposal *approved_require(int64 proposal_id);
extern Proposal *approved_lock(int64 proposal_id);
extern void approved_read(ApprovedCall *call, Proposal *proposal);
extern void approved_load(ApprovedCall *call, Proposal *proposal);
extern void approved_check_standing(const Proposal *proposal);
extern void approved_check_session(const ApprovedCall *call);
extern void approved_check_not_queued(int64 proposal_id);
extern void approved_check_role(const ApprovedCall *call);
extern void approved_run(const ApprovedCall *call, const Run *run, CallResult *result);

#endif
