/*
 * freeze.c
 *	  Times in which nothing executes: adds and removes them, and says whether
 *	  one stands.
 *
 * A freeze holds by the real clock and for whoever executes, be the call
 * approved by people or by a rule.  It stops the start of calls: what runs when
 * it begins goes on.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/caller.h"
#include "engine/freeze.h"
#include "engine/state.h"
#include "engine/verbs.h"
#include "store/freeze.h"
#include "store/table.h"
#include "utils/builtins.h"

/* The freeze that keeps a tool from running now and that ends last, or NULL. */
static const Freeze *
freeze_find(const char *tool)
{
	const FreezeList *list = freeze_list();
	TimestampTz now = GetCurrentTimestamp();
	const Freeze *found = NULL;

	for (int i = 0; i < list->count; i++)
	{
		const Freeze *freeze = &list->freezes[i];

		if (freeze->starts_at <= now && now < freeze->ends_at &&
			(freeze->tool == NULL || strcmp(freeze->tool, tool) == 0) &&
			(found == NULL || freeze->ends_at > found->ends_at))
			found = freeze;
	}
	return found;
}

/*
 * When the present freezes of a tool end, 0 where there is none.  Another may
 * begin by then: ask again.  A freeze without an end gives DT_NOEND.
 */
TimestampTz
freeze_ends(const char *tool)
{
	const Freeze *freeze = freeze_find(tool);

	return freeze != NULL ? freeze->ends_at : 0;
}

/* The id of the freeze that keeps a tool from running now, or NULL. */
const int64 *
freeze_standing(const char *tool)
{
	const Freeze *freeze = freeze_find(tool);

	return freeze != NULL ? &freeze->freeze_id : NULL;
}

/* Refuse with 55000 while a freeze keeps the tool from running. */
void
freeze_check(const char *tool)
{
	const Freeze *freeze = freeze_find(tool);

	if (freeze != NULL)
		report_wrong_state("wfo_frozen", errmsg("tool \"%s\" is frozen", tool),
						   errdetail("Freeze " INT64_FORMAT ", \"%s\", lasts until %s.",
									 freeze->freeze_id, freeze->title,
									 timestamptz_to_str(freeze->ends_at)),
						   errhint("Execute the proposal after that. An administrator can end the "
								   "freeze with remove_freeze."));
}

/* Let nothing execute in a span of time: no call of one tool, or none at all. */
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
	if (tool != NULL)
		(void) tool_require(tool);

	freeze.freeze_id = store_next_id(STORE_FREEZE);
	freeze_insert(&freeze, caller_bound_actor(&caller));
	return freeze.freeze_id;
}

/* End a freeze, or call it off before it begins.  Its row stays. */
void
freeze_remove(int64 freeze_id)
{
	Caller caller;
	Freeze *freeze;

	caller_identify(&caller);
	freeze = freeze_lock(freeze_id);
	if (freeze == NULL)
		report_unknown("wfo_unknown_freeze",
					   errmsg("freeze " INT64_FORMAT " does not exist", freeze_id),
					   errhint("The table workflow_orch.freeze_window lists the freezes."));
	if (freeze->removed)
		report_wrong_state("wfo_freeze_removed",
						   errmsg("freeze " INT64_FORMAT " has been removed", freeze_id),
						   errhint("The table workflow_orch.freeze_window lists the freezes."));
	freeze_mark_removed(freeze, caller_bound_actor(&caller));
}
