/*
 * sandbox.c
 *	  Runs code of somebody else inside a session, and gets it back unharmed.
 *
 * It owns the frame around such code.  The code runs as another role, in a
 * subtransaction, as a security-restricted operation: the confinement that
 * PostgreSQL itself gives to index functions and materialized views of other
 * users (see SECURITY_RESTRICTED_OPERATION in
 * src/backend/utils/init/miscinit.c).  It cannot take on the caller's role,
 * leave anything behind that would later run as the caller, or see the caller's
 * settings.
 *
 * In a background worker the session is the role's own, and what the code
 * leaves behind is removed before the next call.  The code may defer triggers
 * and create temporary objects there, but cannot take on another role either.
 * What the code is, and what its error means, is for the caller to know.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/subtransaction.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "engine/running.h"
#include "engine/sandbox/call_settings.h"
#include "engine/sandbox/confine.h"
#include "engine/sandbox/cursors.h"
#include "engine/sandbox/deadline.h"
#include "engine/sandbox/sandbox.h"
#include "engine/sandbox/session_state.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

/*
 * Refuse what the code has created in the session's temporary schema.
 *
 * PostgreSQL itself forbids temporary tables here, but not functions, types and
 * the like.  Each such object depends on its schema, and the rows that say so
 * are those of this subtransaction.
 */
static void
check_no_temporary_objects(void)
{
	Oid schema;
	Oid toast_schema;
	SubtransactionMark mark = subtransaction_mark();
	Relation rel;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	bool found = false;

	GetTempNamespaceState(&schema, &toast_schema);
	if (!OidIsValid(schema) || !TransactionIdIsValid(mark.xid))
		return;

	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = subtransaction_wrote(&mark, HeapTupleHeaderGetXmin(tuple->t_data));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (found)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errreason("wfo_confined"),
						errmsg("cannot create temporary objects within security-restricted "
							   "operation")));
}

/* Replace the error by the one that says what ended the code, which may have caught it. */
static void
set_cancel(ErrorData *error, const char *reason, const char *message)
{
	error->sqlerrcode = ERRCODE_QUERY_CANCELED;
	error->schema_name = NULL;
	error->constraint_name = reason != NULL ? pstrdup(reason) : NULL;
	error->message = pstrdup(message);
	error->detail = NULL;
	error->hint = NULL;
}

/* Raise a cancel of the caller, even if the code has caught it. */
static void
raise_cancel(const Sandbox *sandbox, ErrorData *error)
{
	if (deadline_was_ignored() && sandbox->ends_session)
		ereport(FATAL,
				(errcode(ERRCODE_ADMIN_SHUTDOWN), errreason("wfo_went_on"),
				 errmsg("terminating connection because a call went on after it was canceled"),
				 errdetail("It caught the cancel, and did not end within %d ms.",
						   (int) sandbox->grace)));
	if (error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		set_cancel(error, NULL, "canceling statement due to user request");
	ReThrowError(error);
}

/* A run of the sandbox, and how far it came. */
typedef struct SandboxRun
{
	const Sandbox *sandbox;
	SandboxFunction function;
	void *arg;
	Running outer;  /* what ran before */
	bool timed;     /* the deadline is this run's, and is on */
	bool timed_out; /* the deadline has ended the code */
	bool started;   /* the code has been called */
} SandboxRun;

/* Set the error of a call that has timed out, and raise an error that is not the call's own. */
static void
judge_error(const SandboxRun *run, ErrorData *error)
{
	const Sandbox *sandbox = run->sandbox;

	if (run->timed_out)
	{
		set_cancel(error, "wfo_timed_out",
				   psprintf("canceled after the timeout of " INT64_FORMAT " ms", sandbox->timeout));
		if (deadline_was_ignored())
			error->detail = pstrdup("It caught the cancel and went on, and was ended.");
	}
	else if (run->started && sandbox->in_worker)
		return;
	else if (run->started && deadline_saw_cancel())
		raise_cancel(sandbox, error);
	else if (!run->started || error_is_conflict(error))
		ReThrowError(error);
}

/* Forget the running code, in a process that exits before the code ends. */
void
sandbox_abandon(void)
{
	running_forget();
	(void) deadline_stop();
}

/*
 * Send the error that is being caught to the log if it comes from a cancel.  In
 * a session such an error is raised and logged anyway: an engine that cancels
 * because of a deadlock of its own turns it into 40P01 in its log hook.
 */
static void
report_cancel(void)
{
	if (geterrcode() == ERRCODE_QUERY_CANCELED)
		EmitErrorReport();
}

/*
 * Reset the state of the backend before and after the code.  Read-only code
 * takes no values from sequences.
 */
static void
reset_session(const Sandbox *sandbox)
{
	session_state_reseed();
	if (!sandbox->read_only)
		session_state_forget_sequences();
}

/* Switch to the role and its settings, and put away what belongs to the session. */
static void
enter_sandbox(const Sandbox *sandbox, int security_context)
{
	cursors_hide();
	reset_session(sandbox);
	call_settings_pin(sandbox->search_path);
	if (!sandbox->in_worker)
		security_context |= SECURITY_RESTRICTED_OPERATION;
	SetUserIdAndSecContext(sandbox->role, security_context | SECURITY_LOCAL_USERID_CHANGE);
	if (!sandbox->in_worker)
		confine_session();
	running_enter_sandbox(sandbox->role, !sandbox->in_worker);
	if (sandbox->read_only)
		XactReadOnly = true;
}

/*
 * Call the code.  Raises an error after a cancel or the deadline, even if the
 * code has caught them.
 */
static void
call_code(SandboxRun *run)
{
	const Sandbox *sandbox = run->sandbox;

	run->timed = deadline_start(sandbox->timeout, sandbox->grace, sandbox->in_worker);
	PushActiveSnapshot(GetTransactionSnapshot());
	run->started = true;
	run->function(run->arg);
	PopActiveSnapshot();
	running_restore(&run->outer);
	if (!run->timed)
		return;
	run->timed = false;
	if (deadline_stop())
	{
		run->timed_out = true;
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED), errreason("wfo_timed_out"), errmsg("timed out")));
	}
	if (deadline_saw_cancel())
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
						errmsg("canceling statement due to user request")));
}

/* Run the code, within the sandbox's subtransaction. */
static void
run_in_sandbox(SandboxRun *run)
{
	Oid save_user;
	int save_context;
	int nest_level = NewGUCNestLevel();

	GetUserIdAndSecContext(&save_user, &save_context);
	enter_sandbox(run->sandbox, save_context);
	call_code(run);
	if (!run->sandbox->in_worker)
		check_no_temporary_objects();
	cursors_close();
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(save_user, save_context);
}

/* The same, and clean up after an error before the subtransaction is rolled back. */
static void
run_guarded(void *arg)
{
	SandboxRun *run = arg;

	PG_TRY();
	{
		run_in_sandbox(run);
	}
	PG_CATCH();
	{
		running_restore(&run->outer);
		if (run->timed && deadline_stop())
			run->timed_out = true;
		if (run->sandbox->in_worker && !run->timed_out && deadline_saw_cancel())
			report_cancel();
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * Run function(arg) in the sandbox, in the caller's memory context.
 *
 * Returns NULL, or the error that ended the function; a timeout is an error
 * 57014.  A serialization failure, a deadlock and a cancel of the caller are
 * raised, the cancel even if the code has caught it; so is an error that comes
 * before the code is called.  In a worker only the last one is raised.  Code
 * that goes on after it should have ended is ended after the time of grace.
 * Its session ends with it, as FATAL, if the caller was canceled and the
 * sandbox says so.  All effects are undone after an error, or if keep is not
 * set.
 */
ErrorData *
sandbox_run(const Sandbox *sandbox, SandboxFunction function, void *arg)
{
	SandboxRun run = {.sandbox = sandbox,
					  .function = function,
					  .arg = arg,
					  .outer = running_save()};
	ErrorData *error;

	Assert(OidIsValid(sandbox->role) && sandbox->search_path != NULL);
	error = sandbox->keep ? subtransaction_try(run_guarded, &run)
						  : subtransaction_undo(run_guarded, &run);
	reset_session(sandbox);
	if (error != NULL)
		judge_error(&run, error);
	return error;
}
