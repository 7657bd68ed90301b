/*
 * policy.h
 *	  Changes the policy.
 */
#ifndef WFO_ENGINE_POLICY_H
#define WFO_ENGINE_POLICY_H

#include "postgres.h"

#include "store/policy.h"
#include "utils/timestamp.h"

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
	bool *protected;
} PolicyRequest;

extern void policy_set(const PolicyRequest *request, Policy *policy);

#endif
