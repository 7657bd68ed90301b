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
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* The actor who proposed the call of a built-in tool. */
static const int64 *
proposer_of(const RunningCall *call)
{
	JsonbValue *id = json_find(call->authority, "proposed_by");
	int64 *actor_id = palloc(sizeof(int64));

	*actor_id = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(id->val.numeric)));
	return actor_id;
}

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
	if (entry->actor_id == NULL)
		entry->actor_id = proposer_of(call);
	json_add_jsonb(details, "authority", call->authority);
}

/* The same for a change of a workflow, whose audit row has ids of its own. */
void
authority_add_to_workflow(JsonObject *details)
{
	if (call_is_direct())
		json_add_bool(details, "direct", true);
	if (running_is_built_in() && running_call()->authority != NULL)
		json_add_jsonb(details, "authority", running_call()->authority);
}
