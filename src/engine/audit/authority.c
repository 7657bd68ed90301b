/*
 * authority.c
 *	  On whose authority the administration was changed, for its audit row.
 *
 * A change that the call of a built-in tool makes rests on that call: its audit
 * row has the proposal and the execution, and names who proposed, approved and
 * executed it.  A change that only a built-in tool should make, and that a
 * superuser made directly, says so.
 */
#include "postgres.h"

#include "engine/audit/authority.h"
#include "engine/call.h"
#include "engine/running.h"

/* Add the authority to the audit row of a change that belongs to no workflow. */
void
authority_add(AuditEntry *entry, JsonObject *details)
{
	const RunningCall *call = running_call();

	Assert(entry->workflow_id == NULL);
	if (call_is_direct())
		json_add_bool(details, "direct", true);
	if (!running_is_built_in() || call->authority == NULL)
		return;
	if (entry->proposal_id == NULL)
		entry->proposal_id = &call->proposal_id;
	entry->execution_id = &call->execution_id;
	json_add_jsonb(details, "authority", call->authority);
}
