/*
 * simulate.c
 *	  Runs a call and rolls it back, for what it shows: output and changed rows.
 *
 * Previews use it, and dry runs of tools whose dry_run_mode is rollback.  The
 * call runs as in an execution, in the same sandbox and under the same
 * timeout.  What the server could not undo is refused, as far as that can be
 * known (irrevocable.c).
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/settings.h"
#include "engine/sandbox/irrevocable.h"
#include "engine/state.h"
#include "engine/tool/changes.h"
#include "engine/tool/simulate.h"

typedef struct Simulation
{
	const Proposal *proposal;
	const Definition *definition;
	int64 rows; /* of each table, to be shown */
	Changes *changes;
} Simulation;

/* Read the changes before they are undone, and check that the tool is still the same. */
static void
look_at_changes(void *arg, const Jsonb *output)
{
	Simulation *simulation = arg;
	const Proposal *proposal = simulation->proposal;
	const Tool *tool;
	RowAllowance rows = {.by = subtransaction_mark(),
						 .per_table = simulation->rows,
						 .room = (Size) setting_max_result_size * 1024 - VARSIZE(output)};

	changes_read(simulation->changes, rows.per_table > 0 ? &rows : NULL);
	tool = tool_require(proposal->tool);
	if (!definition_is_version(definition_load(tool), simulation->definition))
		report_wrong_state("wfo_tool_changed",
						   errmsg("tool \"%s\" has changed while proposal " INT64_FORMAT " was run",
								  tool->tool, proposal->proposal_id),
						   errhint("Try again when nobody changes the function."));
}

/*
 * Run a proposal's call and roll it back.  Sets output and changes of the
 * result, or the error that ended the call.
 *
 * The caller has called invoke_prepare, and has checked that the call may run
 * and that the tool may be run for a preview. 40001, 40P01 and a cancel are
 * raised.
 */
void
simulate(const Invocation *invocation, const Tool *tool, const Definition *definition,
		 int64 timeout, const Proposal *proposal, CallResult *result)
{
	Simulation simulation = {.proposal = proposal,
							 .definition = definition,
							 .rows = tool->preview_rows,
							 .changes = &result->changes};
	Invocation undone = *invocation;

	undone.undo = true;
	undone.look = look_at_changes;
	undone.look_arg = &simulation;
	result->simulated = true;
	irrevocable_install();
	result->error = invoke(&undone, tool, definition, timeout, proposal->params, &result->output,
						   &result->rows);
}
