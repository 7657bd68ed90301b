/*
 * hold.c
 *	  Sets and releases legal holds on workflows.
 *
 * While a hold stands, nothing of its workflow is redacted or purged.  Those calls
 * lock the workflow and look for the hold; it stops no other call.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
#include "engine/verbs/hold.h"
#include "store/hold.h"

/*
 * Lock a workflow whose hold is to change; *actor is who changes it, or NULL:
 * nobody in particular.  A caller that may not act as the actor is refused before
 * the lock, after a workflow that does not exist.  call is one that a protected
 * policy refuses directly, or NULL.
 */
static void
begin_change(int64 workflow_id, const int64 *actor_id, const char *call, const Actor **actor)
{
	Caller caller;

	caller_identify(&caller);
	*actor = caller_actor_or_null(&caller, actor_id);
	(void) workflow_require(workflow_id);
	if (*actor != NULL)
		caller_check_reads_as(&caller, *actor);
	if (call != NULL)
		protection_check(&caller, call);
	workflow_require_lock(workflow_id);
	*actor = caller_read_again(&caller, *actor);
	if (*actor != NULL)
		caller_check_acts_as(&caller, *actor);
}

static const int64 *
id_of_actor(const Actor *actor)
{
	return actor != NULL ? &actor->actor_id : NULL;
}

/* Set a hold on a workflow, and return its id.  Locks the workflow. */
int64
hold_set(int64 workflow_id, const int64 *actor_id, const char *reason)
{
	const Actor *actor;

	begin_change(workflow_id, actor_id, NULL, &actor);
	workflow_check_not_held(workflow_id);
	return hold_insert(workflow_id, id_of_actor(actor), reason);
}

/* Release the hold that stands on a workflow.  Locks the workflow. */
void
hold_release(int64 workflow_id, const int64 *actor_id, const char *reason)
{
	const Actor *actor;
	const Hold *hold;

	begin_change(workflow_id, actor_id, "release_hold", &actor);
	hold = hold_find(workflow_id);
	if (hold == NULL)
		report_wrong_state("wfo_not_held",
						   errmsg("workflow " INT64_FORMAT " is not held", workflow_id),
						   errhint("The table workflow_orch.workflow_hold lists the holds."));
	hold_mark_released(hold, id_of_actor(actor), reason);
}
