/*
 * audit.c
 *	  Reads the audit log.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/audit.h"
#include "engine/caller.h"
#include "engine/state.h"
#include "store/audit_log.h"

/*
 * Refuse unless the caller may read the workflow's log: with the capability
 * audit or administer, or as the actor that started the workflow.
 */
static void
check_may_read(const Caller *caller, const Workflow *workflow)
{
	const Actor *actor;

	if (caller_has(caller, CAPABILITY_AUDIT) || caller_has(caller, CAPABILITY_ADMINISTER))
		return;
	if (workflow->actor_id != NULL)
	{
		actor = actor_load(*workflow->actor_id);
		if (actor != NULL && actor->active && caller_is_owner_of(caller, actor))
			return;
	}
	report_denied("wfo_not_yours",
				  errmsg("the audit log of workflow " INT64_FORMAT " is not yours to read",
						 workflow->workflow_id),
				  errhint("Ask for the capability \"audit\"."));
}

/* The rows of a workflow, oldest first, in the columns of get_audit_log. */
void
audit_read(int64 workflow_id, Tuplestorestate *rows, TupleDesc desc)
{
	Caller caller;

	caller_identify(&caller);
	check_may_read(&caller, workflow_require(workflow_id));
	audit_list(workflow_id, rows, desc);
}
