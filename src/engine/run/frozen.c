/*
 * frozen.c
 *	  Whether a freeze keeps a tool from running now.
 *
 * It owns the question whether a freeze holds.  A freeze holds by the real
 * clock and for everyone who executes, whether people or a rule have approved
 * the call.  It stops calls from starting; calls that run when it begins go on.
 * verbs/freeze.c adds and removes freezes.
 */
#include "postgres.h"

#include "base/errors.h"
#include "engine/run/frozen.h"
#include "model/built_in.h"
#include "store/freeze.h"

/*
 * The freeze that keeps a tool from running now and that ends last, or NULL.
 * Built-in tools are never frozen: one of them ends a freeze.
 */
static const Freeze *
freeze_find(const char *tool)
{
	const FreezeList *list;
	TimestampTz now = GetCurrentTimestamp();
	const Freeze *found = NULL;

	if (built_in_is(tool))
		return NULL;
	list = freeze_list();
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
 * When the freezes of a tool end that are in force; 0 if there is none.
 * Another freeze may begin by then, so ask again.  A freeze without an end
 * gives DT_NOEND.
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
						   errhint("Execute the proposal after the freeze. An administrator can "
								   "end the freeze with remove_freeze."));
}
