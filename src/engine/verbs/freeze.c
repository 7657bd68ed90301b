/*
 * freeze.c
 *	  Adds and removes times in which nothing executes.
 *
 * It adds and removes freezes; frozen.c says what they stop.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/identity/caller.h"
#include "engine/identity/protection.h"
#include "engine/state.h"
#include "engine/verbs/freeze.h"
#include "model/built_in.h"
#include "store/freeze.h"
#include "store/table.h"

/* Add a freeze of one tool or of all tools (NULL): returns its id. */
int64
freeze_add(const char *title, TimestampTz starts_at, TimestampTz ends_at, const char *tool)
{
	Caller caller;
	Freeze freeze = {.title = (char *) title,
					 .starts_at = starts_at,
					 .ends_at = ends_at,
					 .tool = (char *) tool};

	if (ends_at <= starts_at)
		report_invalid("wfo_argument_invalid", errmsg("a freeze must end after it begins"),
					   errdetail("It would begin at %s.", timestamptz_to_str(starts_at)),
					   errhint("Give an ends_at that is later than starts_at."));
	caller_identify(&caller);
	if (tool != NULL && built_in_is(tool))
		tool_report_built_in(tool);
	if (tool != NULL)
		(void) tool_require(tool);

	freeze.freeze_id = store_next_id(STORE_FREEZE);
	freeze_insert(&freeze, caller_bound_actor(&caller));
	return freeze.freeze_id;
}

/* End a freeze, or cancel it before it begins.  Its row stays. */
void
freeze_remove(int64 freeze_id)
{
	Caller caller;
	Freeze *freeze;

	caller_identify(&caller);
	protection_check(&caller, "remove_freeze");
	freeze = freeze_lock(freeze_id);
	if (freeze == NULL)
		report_unknown("wfo_unknown_freeze",
					   errmsg("freeze " INT64_FORMAT " does not exist", freeze_id),
					   errhint("The table workflow_orch.freeze_window lists the freezes."));
	if (freeze->removed)
		report_wrong_state("wfo_freeze_removed",
						   errmsg("freeze " INT64_FORMAT " has already been removed", freeze_id),
						   errhint("The table workflow_orch.freeze_window lists the freezes."));
	freeze_mark_removed(freeze, caller_bound_actor(&caller));
}
