/*
 * tool_status.c
 *	  Whether tools are what they were registered as, for reports.
 *
 * It owns the answers that reports give about tools.  It refuses nothing and
 * writes nothing.
 *
 * The views tool_status, pending_review and proposal_progress ask for every
 * row, so nothing here raises an error because of what a tool has become.
 */
#include "postgres.h"

#include "engine/state.h"
#include "engine/tool/definition.h"
#include "engine/tool/row_limit.h"
#include "engine/tool/run_as.h"
#include "engine/tool/tool_status.h"

/*
 * "callable", or "gone" where the tool's function does not exist, or "refused"
 * where it may not run as its role; problem says why, and is NULL if callable.
 */
const char *
tool_status(const char *name, const char **problem)
{
	const Tool *tool = tool_require(name);
	const Definition *definition = definition_find(tool);

	if (definition == NULL)
	{
		*problem = psprintf("Function %s does not exist.", tool->function);
		return "gone";
	}
	*problem = tool->built_in ? NULL : run_as_problem(tool, definition);
	return *problem == NULL ? "callable" : "refused";
}

/* What has changed since a definition of the tool was pinned, in words, or NULL. */
const char *
tool_change(const char *name, const bytea *pinned)
{
	const Tool *tool = tool_load(name);

	return tool != NULL ? definition_change(tool, pinned) : "the tool does not exist";
}

/* The most rows that a call may change that is pinned to a definition of the tool, or NULL. */
const int64 *
tool_max_rows(const char *name, const bytea *pinned)
{
	const Tool *tool = tool_load(name);

	return tool != NULL ? row_limit_of_tool(tool, definition_find(tool), pinned) : NULL;
}
