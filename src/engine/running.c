/*
 * running.c
 *	  What runs in this backend at the moment.
 *
 * It owns the one record of this: the sandbox, the call of a tool in it and the
 * statement that the call runs.  Code that starts one of them saves the record,
 * enters what starts, and restores the record at its end, after an error too.
 * All code may ask.  How a sandbox or a call works is not the business of this
 * file.
 */
#include "postgres.h"

#include "engine/running.h"

static Running running;

/* Whether code of another user runs in the sandbox. */
bool
running_is_sandboxed(void)
{
	return OidIsValid(running.role);
}

/* Whether it runs in a session of another user, and not in a worker. */
bool
running_is_in_session(void)
{
	return running.is_in_session;
}

/* Whether the call is running a statement of run_sql. */
bool
running_is_statement(void)
{
	return running.is_statement;
}

/* Whether the call of a built-in tool is running. */
bool
running_is_built_in(void)
{
	return running.is_admitted;
}

/*
 * Whether the running call is that of a built-in tool which makes this call of
 * the SQL interface.  It is made once: code that it runs in turn makes none.
 */
bool
running_admit(const char *call)
{
	if (running.is_admitted || running.call == NULL || running.call->built_in == NULL ||
		strcmp(running.call->built_in, call) != 0)
		return false;
	running.is_admitted = true;
	return true;
}

/* The role of the innermost sandbox, or InvalidOid. */
Oid
running_role(void)
{
	return running.role;
}

/* The running call of a tool, or NULL. */
const RunningCall *
running_call(void)
{
	return running.call;
}

/* Whether a call is running that will be rolled back, whatever happens. */
bool
running_call_is_undone(void)
{
	return running.call != NULL && running.call->is_undone;
}

Running
running_save(void)
{
	Running saved = running;

	saved.caller = *refusal_subject();
	return saved;
}

void
running_enter_sandbox(Oid role, bool is_in_session)
{
	Assert(OidIsValid(role));
	running.role = role;
	running.is_in_session = is_in_session;
}

/* The call must last until the record is restored. */
void
running_enter_call(const RunningCall *call)
{
	Assert(running.call == NULL);
	running.call = call;
}

void
running_enter_statement(void)
{
	Assert(running.call != NULL && !running.is_statement);
	running.is_statement = true;
}

void
running_restore(const Running *saved)
{
	running = *saved;
	refusal_restore_subject(&saved->caller);
}

/* Forget everything that is running, in a process that exits before it ends. */
void
running_forget(void)
{
	running = (Running){0};
}

/* Show hooks of the settings that a tool reads: empty where no call runs. */
const char *
running_show_proposal_id(void)
{
	return running.call != NULL ? psprintf(INT64_FORMAT, running.call->proposal_id) : "";
}

const char *
running_show_execution_id(void)
{
	return running.call != NULL && running.call->execution_id != 0
			   ? psprintf(INT64_FORMAT, running.call->execution_id)
			   : "";
}

const char *
running_show_actor(void)
{
	return running.call != NULL && running.call->actor != NULL ? running.call->actor : "";
}
