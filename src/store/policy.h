/*
 * policy.h
 *	  The table policy: one row, or none while everything is at its default.
 */
#ifndef WFO_STORE_POLICY_H
#define WFO_STORE_POLICY_H

#include "postgres.h"

#include "utils/timestamp.h"

enum
{
	POLICY_DRY_RUN = 1,
	POLICY_DEFAULT_APPROVALS,
	POLICY_EDIT_NEEDS_APPROVAL,
	POLICY_AGENTS_MAY_REVIEW,
	POLICY_PROPOSAL_TTL,
	POLICY_APPROVAL_TTL,
	POLICY_DEFAULT_TIMEOUT,
	POLICY_NOTIFY,
	POLICY_PROTECTED,
	POLICY_CHANGED_BY,
	POLICY_CHANGED_AT,
	POLICY_SINGLETON,
	POLICY_COLUMNS = POLICY_SINGLETON
};

typedef struct Policy
{
	bool dry_run;
	int64 default_approvals;
	bool edit_needs_approval;
	bool agents_may_review;
	Interval proposal_ttl; /* zero: no limit */
	Interval approval_ttl;
	Interval default_timeout;
	bool notify;
	bool protected; /* what a review means is changed by approved calls only */
} Policy;

extern const Policy *policy_load(void);
extern void policy_save(const Policy *policy, const int64 *changed_by);

#endif
