/*
 * policy.c
 *	  The table policy: one row, or none while everything is at its default.
 *
 * Owns its descriptor and the defaults.  The install script inserts no row,
 * because a restored dump would add a second one.
 */
#include "postgres.h"

#include "store/policy.h"
#include "store/table.h"

const StoreTableInfo policy_table = {
	.name = "policy",
	.columns = POLICY_COLUMNS,
	.cached = true,
	.insert_call = "set_policy",
	.update_call = "set_policy",
	.delete_call = "set_policy",
};

static StoredRow *
policy_fetch(void)
{
	return store_fetch(STORE_POLICY, NULL, 0, NULL);
}

static void *
policy_read(pg_attribute_unused() const void *key)
{
	StoredRow *row = policy_fetch();
	Policy *policy = palloc0(sizeof(Policy));

	policy->default_approvals = 1;
	if (row == NULL)
		return policy;
	policy->dry_run = column_bool(row, POLICY_DRY_RUN);
	policy->default_approvals = column_int64(row, POLICY_DEFAULT_APPROVALS);
	policy->edit_needs_approval = column_bool(row, POLICY_EDIT_NEEDS_APPROVAL);
	policy->agents_may_review = column_bool(row, POLICY_AGENTS_MAY_REVIEW);
	policy->proposal_ttl = column_some_interval(row, POLICY_PROPOSAL_TTL);
	policy->approval_ttl = column_some_interval(row, POLICY_APPROVAL_TTL);
	policy->default_timeout = column_some_interval(row, POLICY_DEFAULT_TIMEOUT);
	policy->notify = column_bool(row, POLICY_NOTIFY);
	policy->protected = column_bool(row, POLICY_PROTECTED);
	return policy;
}

/* Return the current policy; valid until the end of the transaction. */
const Policy *
policy_load(void)
{
	return store_cached(STORE_POLICY, "", 0, policy_read);
}

/*
 * Write the policy.  The caller must hold LOCK_POLICY since before it loaded the
 * policy that it changes.
 */
void
policy_save(const Policy *policy, const int64 *changed_by)
{
	StoredRow *old = policy_fetch();
	StoreRow new;

	store_row_init(&new, STORE_POLICY);
	row_set_bool(&new, POLICY_DRY_RUN, policy->dry_run);
	row_set_int64(&new, POLICY_DEFAULT_APPROVALS, policy->default_approvals);
	row_set_bool(&new, POLICY_EDIT_NEEDS_APPROVAL, policy->edit_needs_approval);
	row_set_bool(&new, POLICY_AGENTS_MAY_REVIEW, policy->agents_may_review);
	row_set_pointer(&new, POLICY_PROPOSAL_TTL, &policy->proposal_ttl);
	row_set_pointer(&new, POLICY_APPROVAL_TTL, &policy->approval_ttl);
	row_set_pointer(&new, POLICY_DEFAULT_TIMEOUT, &policy->default_timeout);
	row_set_bool(&new, POLICY_NOTIFY, policy->notify);
	row_set_bool(&new, POLICY_PROTECTED, policy->protected);
	row_set_id(&new, POLICY_CHANGED_BY, changed_by);
	row_set_time(&new, POLICY_CHANGED_AT, GetCurrentTimestamp());
	row_set_bool(&new, POLICY_SINGLETON, true);
	if (old == NULL)
		store_insert(&new);
	else
		store_update(&new, old);
}
