/*
 * audit.c
 *	  Reads the audit log.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/audit.h"
#include "engine/caller.h"
#include "engine/readable.h"
#include "store/audit_log.h"

/*
 * Whether the caller may read the workflow's log: with the capability audit or
 * administer, or as the actor that started the workflow.
 */
static bool
may_read(const Caller *caller, const Workflow *workflow)
{
	const Actor *actor;

	if (caller_has(caller, CAPABILITY_AUDIT) || caller_has(caller, CAPABILITY_ADMINISTER))
		return true;
	actor = workflow->actor_id != NULL ? actor_load(*workflow->actor_id) : NULL;
	return actor != NULL && actor->active && caller_is_owner_of(caller, actor);
}

/* The rows of a workflow, oldest first, in the columns of get_audit_log. */
void
audit_read(int64 workflow_id, Tuplestorestate *rows, TupleDesc desc)
{
	Caller caller;
	const Workflow *workflow;

	caller_identify(&caller);
	workflow = readable_workflow(&caller, workflow_id);
	if (workflow == NULL || !may_read(&caller, workflow))
		report_denied("wfo_not_yours",
					  errmsg("the audit log of workflow " INT64_FORMAT " is not yours to read",
							 workflow_id),
					  errhint("Ask for the capability \"audit\"."));
	audit_list(workflow_id, rows, desc);
}
