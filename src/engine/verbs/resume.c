/*
 * resume.c
 *	  Releases the queue of a restored or cloned database.
 *
 * It owns the one way in which calls that were queued in another database
 * become calls of this one.  Running them is the business of run.
 */
#include "postgres.h"

#include "base/each.h"
#include "base/json.h"
#include "engine/audit/authority.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
#include "engine/verbs/resume.h"
#include "store/audit_log.h"
#include "store/queue.h"
#include "utils/acl.h"

static void
audit_resumed(int64 count)
{
	AuditEntry entry = {.action = "resume_queue"};
	Caller caller;
	JsonObject details;

	caller_identify(&caller);
	json_object_begin(&details);
	json_add_int(&details, "count", count);
	authority_add(&entry, &details);
	entry.actor_id = caller_bound_actor(&caller);
	entry.login = caller.login;
	entry.db_role = caller.role;
	entry.details = json_object_end(&details);
	audit_insert(&entry);
}

/* The proposals whose calls are held, and the number of calls that were resumed. */
typedef struct Resumption
{
	const int64 *ids;
	int64 resumed;
} Resumption;

static void
resume_one(int index, void *arg)
{
	Resumption *resumption = arg;
	int64 proposal_id = resumption->ids[index];
	Proposal *proposal = proposal_require_lock(proposal_id);
	const Tool *tool = tool_require(proposal->tool);
	QueueRow *queued = queue_load(proposal_id);
	Oid role = get_role_oid(tool->run_as, true);

	if (queued == NULL || !queued->held)
		return;
	queue_adopt(queued, OidIsValid(role) ? role : tool->run_as_oid);
	resumption->resumed++;
}

/*
 * Make calls that were queued in the original of this database calls of this
 * database: returns how many.  Whether they may run here is checked when they
 * start.
 */
int64
queue_resume(void)
{
	Caller caller;
	Resumption resumption = {0};
	int count;

	caller_identify(&caller);
	protection_check(&caller, "resume_queue");
	resumption.ids = queue_list_held(&count);
	each_item(count, resume_one, &resumption);
	audit_resumed(resumption.resumed);
	return resumption.resumed;
}
