/*
 * counting.c
 *	  Notes whether the server stops counting rows while a call runs.
 *
 * It owns a watch on the setting track_counts.  What the counters say is read in
 * tool/row_count.c.
 *
 * A relation that is opened while the setting is off is not counted for as long
 * as it stays open.  Looks at the setting from time to time would miss code that
 * switches it off and on again within one statement, as a function with a SET
 * clause does.  So the watch is the assign hook of the setting, which the server
 * calls at each change, also when the old value comes back.  The server itself
 * has no hook there.
 */
#include "postgres.h"

#include "base/compat.h"
#include "engine/sandbox/counting.h"
#include "pgstat.h"
#include "utils/guc_tables.h"

static bool was_off = false;
static GucBoolAssignHook next_assign = NULL;

static void
note_assignment(bool on, void *extra)
{
	if (!on)
		was_off = true;
	if (next_assign != NULL)
		next_assign(on, extra);
}

/*
 * Put the watch on the setting, once in a process.  It is not taken off: that
 * would take off the hook of a library that was loaded later.
 */
static void
install_watch(void)
{
	static bool installed = false;
	int count;
	struct config_generic **variables;

	if (installed)
		return;
	variables = compat_guc_variables(&count);
	for (int i = 0; i < count; i++)
	{
		struct config_bool *setting = (struct config_bool *) variables[i];

		if (strcmp(variables[i]->name, "track_counts") != 0)
			continue;
		Assert(variables[i]->vartype == PGC_BOOL && setting->variable == &pgstat_track_counts);
		next_assign = setting->assign_hook;
		setting->assign_hook = note_assignment;
		installed = true;
	}
}

/* Begin to watch, before a call. */
void
counting_watch(void)
{
	install_watch();
	was_off = !pgstat_track_counts;
}

/* Whether the server has not counted for a moment since counting_watch(). */
bool
counting_was_off(void)
{
	return was_off;
}
