/*
 * protection.c
 *	  Whether what a review means may be changed without a review.
 *
 * While the policy is protected, the calls that change policy, rules, tools,
 * actors and the like are made by built-in tools only, whose calls are proposed
 * and approved.  This file owns the refusal of such a call that somebody makes
 * directly, and the test that a session is that of one person and of nobody
 * else.  Which calls these are, the verbs know: each asks protection_check().
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/errors.h"
#include "base/names.h"
#include "base/role_name.h"
#include "base/settings.h"
#include "engine/call.h"
#include "engine/identity/binding.h"
#include "engine/identity/capability.h"
#include "engine/identity/protection.h"
#include "engine/running.h"
#include "miscadmin.h"
#include "store/lock.h"
#include "store/policy.h"
#include "store/table.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"

/* The transaction that has found that no actor's binding held, and confirms roles. */
static FullTransactionId confirming = {InvalidTransactionId};

/*
 * Keep calls of built-in tools from running until the end of the transaction,
 * since the caller changes a row that such a call may have been approved for.
 */
void
protection_share(void)
{
	if (!running_is_built_in())
		store_lock_id(LOCK_ADMINISTRATION, 0, LOCK_SHARED);
}

/* Whether the caller may make the call although the policy is protected. */
static bool
may_bypass(const Caller *caller)
{
	return setting_allow_direct_administration &&
		   (superuser_arg(caller->role) || has_privs_of_role(caller->role, store_owner()));
}

static void
check_unprotected(const Caller *caller, const char *call)
{
	if (!policy_load()->protected || may_bypass(caller))
		return;
	report_denied("wfo_protected", errmsg("%s cannot be called directly", call),
				  errdetail("The policy is protected: what a review means is changed only by calls "
							"that another person has approved."),
				  errhint("Propose a call of the built-in tool \"%s.%s\" with propose_action.",
						  WFO_SCHEMA, call));
}

/*
 * Refuse with 42501 a call that changes what a review means, unless a built-in
 * tool makes it or the policy is not protected.
 *
 * Locks: the administration, shared, so that the policy does not become
 * protected before the call has committed.
 */
void
protection_check(const Caller *caller, const char *call)
{
	if (running_is_built_in())
		return;
	check_unprotected(caller, call);
	protection_share();
	check_unprotected(caller, call);
	if (!policy_load()->protected)
		return;
	call_mark_direct();
	ereport(WARNING, (errmsg("role \"%s\" calls %s directly although the policy is protected",
							 caller->role_name, call),
					  errdetail("The setting workflow_orch.allow_direct_administration is on.")));
}

/*
 * Whether the caller may name again, directly, the role that a row is bound to:
 * a superuser may while no actor's binding holds, as after a restore elsewhere,
 * when nobody could propose or approve it.  After a first confirmation, what the
 * same transaction has written does not count.
 */
bool
protection_lets_confirm(const Caller *caller)
{
	FullTransactionId now;
	bool goes_on;
	ActorScan scan;
	const Actor *actor;
	bool holds = false;

	if (!policy_load()->protected || running_is_built_in() || !superuser_arg(caller->role))
		return false;
	now = GetTopFullTransactionId();
	goes_on = FullTransactionIdEquals(now, confirming);
	actor_scan_begin(&scan, NULL);
	while (!holds && (actor = actor_scan_next(&scan)) != NULL)
		holds = actor_role_name(actor) != NULL && !(goes_on && actor->is_own_write);
	actor_scan_end(&scan);
	if (!holds)
		confirming = now;
	return !holds;
}

/* Whether a trigger runs, of whose code the user of the session may not know. */
static bool
is_in_trigger(void)
{
	return DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH)) > 0;
}

/*
 * Whether the session is the actor's own: its client has authenticated as the
 * role that the actor is bound to, and acts as that role, with no other one in
 * between.
 */
bool
protection_is_own_session(const Caller *caller, const Actor *actor)
{
	Oid role = actor->db_role_oid;

	return actor_role_name(actor) != NULL && !running_is_sandboxed() &&
		   authenticated_role() == role && GetSessionUserId() == role && caller->role == role &&
		   GetUserId() == role && !InLocalUserIdChange() && !caller->names_actors;
}

/* Whether the role that the actor is bound to holds administer, and may review as well. */
bool
actor_administers(const Actor *actor)
{
	return actor_role_name(actor) != NULL &&
		   capability_is_held(actor->db_role_oid, CAPABILITY_ADMINISTER) &&
		   capability_is_held(actor->db_role_oid, CAPABILITY_REVIEW);
}

/*
 * Refuse with 42501 to act for the actor in a call of a built-in tool, unless
 * the actor is a human in a session of their own.
 */
void
protection_check_person(const Caller *caller, const Actor *actor)
{
	if (actor->kind != ACTOR_HUMAN)
		report_denied("wfo_kind_not_human",
					  errmsg("actor " INT64_FORMAT " may not act in a call of a built-in tool",
							 actor->actor_id),
					  errdetail("It is of kind %s.", enum_label(&actor_kind_type, actor->kind)),
					  errhint("Only actors of kind human propose and review such calls."));
	if (is_in_trigger())
		report_denied("wfo_not_own_session",
					  errmsg("actor " INT64_FORMAT " cannot act inside a trigger", actor->actor_id),
					  errdetail("The statement that fires the trigger may have been meant for "
								"something else."),
					  errhint("Propose and review calls of built-in tools in statements of their "
							  "own."));
	if (protection_is_own_session(caller, actor))
		return;
	report_denied("wfo_not_own_session",
				  errmsg("this session is not that of actor " INT64_FORMAT, actor->actor_id),
				  actor->db_role == NULL
					  ? errdetail("The actor is not bound to a database role.")
					  : errdetail("The session has authenticated as \"%s\" and acts as \"%s\"; the "
								  "actor is bound to \"%s\".",
								  role_name_of(authenticated_role()), caller->role_name,
								  actor->db_role),
				  errhint("Calls of built-in tools are proposed and reviewed in sessions that log "
						  "in as the actor's own database role: not through a gateway, a "
						  "membership, SET ROLE, SET SESSION AUTHORIZATION or a SECURITY DEFINER "
						  "function."));
}
