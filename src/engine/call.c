/*
 * call.c
 *	  What every call of the SQL interface checks before anything else.
 *
 * It owns the refusals that depend only on where a call comes from: inside a
 * tool, inside a command of another user, in a transaction that cannot write.
 * The writes of a call go below the executor, which would refuse them in a
 * read-only transaction, on a standby and in a parallel worker, so the calls
 * have to.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/names.h"
#include "engine/call.h"
#include "engine/running.h"
#include "miscadmin.h"

/* Whether the present call is one that only a built-in tool should make. */
static bool is_direct = false;

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
 * Refuse a call from code that PostgreSQL runs inside a command of another
 * user, such as an index expression in a superuser's ANALYZE or a trigger in
 * the cascade of a foreign key.  The user of the session does not know of the
 * call there.
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

/* Say that the present call is made although only a built-in tool may make it. */
void
call_mark_direct(void)
{
	is_direct = true;
}

/* Whether somebody has said so of the present call. */
bool
call_is_direct(void)
{
	return is_direct;
}

/* Begin a call that writes. */
void
call_begin(const char *function)
{
	is_direct = false;
	refusal_begin_call(function);
	check_not_in_maintenance(function);
	if (!running_admit(function))
		check_not_in_tool(function);
	check_writable(function);
}

/*
 * Begin a call that waits for other calls; in a tool it could wait for that
 * very tool.  A call that also writes calls call_begin next.
 */
void
call_begin_waiting(const char *function)
{
	refusal_begin_call(function);
	if (running_call() != NULL)
		report_wrong_state("wfo_in_tool", errmsg("%s cannot be called while a tool runs", function),
						   errdetail("Proposal " INT64_FORMAT " is being executed.",
									 running_call()->proposal_id),
						   errhint("A tool may propose further calls with propose_action."));
	call_begin_read(function);
}

/* Begin a call that writes, and that a tool may make as well. */
void
call_begin_in_tool(const char *function)
{
	is_direct = false;
	refusal_begin_call(function);
	check_not_in_maintenance(function);
	check_writable(function);
}

/* Begin a call that only reads. */
void
call_begin_read(const char *function)
{
	refusal_begin_call(function);
	check_not_in_maintenance(function);
	check_not_in_tool(function);
}
