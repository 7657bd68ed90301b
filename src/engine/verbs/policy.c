/*
 * policy.c
 *	  Changes the policy.
 *
 * It owns the writing of the policy's one row.  What the policy means is for
 * those who read it to know.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/running.h"
#include "engine/verbs/policy.h"
#include "engine/verbs/protect.h"
#include "model/quorum.h"
#include "store/lock.h"
#include "store/policy.h"

/*
 * Change the given columns of the policy, and set *policy to the result.
 *
 * Locks: the policy, if something is given; the administration, shared, or
 * exclusively if protected is given.
 */
void
policy_set(const PolicyRequest *request, Policy *policy)
{
	Caller caller;
	bool before;

	if (request->default_approvals != NULL &&
		(*request->default_approvals < 1 || *request->default_approvals > APPROVALS_MAX))
		report_invalid("wfo_argument_invalid",
					   errmsg("default_approvals must be between 1 and %d", APPROVALS_MAX),
					   errdetail("It is " INT64_FORMAT ".", *request->default_approvals));

	*policy = *policy_load();
	if (request->dry_run == NULL && request->default_approvals == NULL &&
		request->edit_needs_approval == NULL && request->agents_may_review == NULL &&
		request->proposal_ttl == NULL && request->approval_ttl == NULL &&
		request->default_timeout == NULL && request->notify == NULL && request->protected == NULL)
		return;

	caller_identify(&caller);
	protection_check(&caller, "set_policy");
	if (request->protected != NULL && !running_is_built_in())
		store_lock_id(LOCK_ADMINISTRATION, 0, LOCK_EXCLUSIVE);
	store_lock_id(LOCK_POLICY, 0, LOCK_EXCLUSIVE);
	*policy = *policy_load();
	before = policy->protected;
	if (request->dry_run != NULL)
		policy->dry_run = *request->dry_run;
	if (request->default_approvals != NULL)
		policy->default_approvals = *request->default_approvals;
	if (request->edit_needs_approval != NULL)
		policy->edit_needs_approval = *request->edit_needs_approval;
	if (request->agents_may_review != NULL)
		policy->agents_may_review = *request->agents_may_review;
	if (request->proposal_ttl != NULL)
		policy->proposal_ttl = *request->proposal_ttl;
	if (request->approval_ttl != NULL)
		policy->approval_ttl = *request->approval_ttl;
	if (request->default_timeout != NULL)
		policy->default_timeout = *request->default_timeout;
	if (request->notify != NULL)
		policy->notify = *request->notify;
	if (request->protected != NULL)
		policy->protected = *request->protected;
	if (policy->protected && (request->protected != NULL || request->default_approvals != NULL ||
							  request->proposal_ttl != NULL || request->approval_ttl != NULL))
		protect_check(policy);
	if (policy->protected && !before)
	{
		protect_check_rules();
		protect_warn();
	}
	policy_save(policy, caller_bound_actor(&caller));
}
