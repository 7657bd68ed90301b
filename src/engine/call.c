/*
 * call.c
 *	  What every call of the SQL interface checks before anything else.
 *
 * The writes of a call go below the executor, which would refuse them in a
 * read-only transaction, on a standby and in a parallel worker; so the calls
 * do.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/names.h"
#include "engine/call.h"
#include "engine/running.h"
#include "miscadmin.h"

static void
check_not_in_tool(const char *function)
{
	if (running_call() != NULL)
		report_denied("wfo_in_tool", errmsg("%s cannot be called while a tool runs", function),
					  errdetail("Proposal " INT64_FORMAT " is being executed in this session.",
								running_call()->proposal_id),
					  errhint("A tool may propose further calls with propose_action."));
	if (running_is_sandboxed())
		report_denied("wfo_in_tool",
					  errmsg("%s cannot be called while params are converted", function),
					  errdetail("Code of the types of a tool's arguments is running."));
}

/*
 * Refuse where PostgreSQL runs somebody's code inside somebody else's command:
 * an index expression in a superuser's ANALYZE, a trigger in the cascade of a
 * foreign key.  The session's user knows nothing of the call then.
 */
static void
check_not_in_maintenance(const char *function)
{
	if ((InSecurityRestrictedOperation() && !running_is_sandboxed()) || InNoForceRLSOperation())
		report_denied("wfo_in_maintenance", errmsg("%s cannot be called here", function),
					  errdetail("The code that calls it runs inside a command of another user."),
					  errhint("Call it directly, or from a function that is called directly."));
}

static void
check_writable(const char *function)
{
	char *name = psprintf("%s.%s()", WFO_SCHEMA, function);

	PreventCommandDuringRecovery(name);
	PreventCommandIfReadOnly(name);
	PreventCommandIfParallelMode(name);
	pfree(name);
}

/* A call that writes. */
void
call_begin(const char *function)
{
	check_not_in_maintenance(function);
	check_not_in_tool(function);
	check_writable(function);
}

/*
 * A call that waits for others, which in a tool could wait for that very tool.
 * One that writes calls call_begin next.
 */
void
call_begin_waiting(const char *function)
{
	if (running_call() != NULL)
		report_wrong_state("wfo_in_tool", errmsg("%s cannot be called while a tool runs", function),
						   errdetail("Proposal " INT64_FORMAT " is being executed.",
									 running_call()->proposal_id),
						   errhint("A tool may propose further calls with propose_action."));
	call_begin_read(function);
}

/* A call that writes, and that a tool may make too. */
void
call_begin_in_tool(const char *function)
{
	check_not_in_maintenance(function);
	check_writable(function);
}

/* A call that only reads. */
void
call_begin_read(const char *function)
{
	check_not_in_maintenance(function);
	check_not_in_tool(function);
}
