/*
 * sandbox.c
 *	  Runs code of somebody else inside a session, and gets it back unharmed.
 *
 * The code runs as another role, in a subtransaction, as a security-restricted
 * operation: the confinement that PostgreSQL itself gives to index functions
 * and materialized views of other users (see SECURITY_RESTRICTED_OPERATION in
 * src/backend/utils/init/miscinit.c).  It cannot get at the caller's role,
 * leave anything behind that would later run as the caller, or see what the
 * caller has set.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/names.h"
#include "engine/deadline.h"
#include "engine/sandbox.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/rls.h"
#include "utils/xml.h"
#include "utils/fmgroids.h"
#include "utils/guc_tables.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "nodes/makefuncs.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"

/* The role that code in the sandbox runs as, while it does. */
static Oid running_role = InvalidOid;

bool
sandbox_is_running(void)
{
	return OidIsValid(running_role);
}

/* The role of the innermost sandbox. */
Oid
sandbox_role(void)
{
	return running_role;
}

/* Settings that change what a value or a query means, the same for every call. */
static const struct
{
	const char *name;
	const char *value;
} pinned[] = {
	{"DateStyle", "ISO, MDY"},
	{"IntervalStyle", "postgres"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"xmlbinary", "base64"},
	{"xmloption", "content"},
	{"transform_null_equals", "off"},
	{"standard_conforming_strings", "on"},
	{"row_security", "on"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
};

/*
 * Settings of the caller that are the connection's, or its messages', and stay;
 * so do the limits of this extension, and that of the transaction (since 17),
 * which would start again if it were taken away and given back.
 */
static const char *const kept[] = {"client_encoding", "application_name", "client_min_messages",
								   "transaction_timeout"};

static void
pin(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/* Whether the settings above have the pinned values, as they mostly do. */
static bool
is_pinned(void)
{
	return DateStyle == USE_ISO_DATES && DateOrder == DATEORDER_MDY &&
		   IntervalStyle == INTSTYLE_POSTGRES && extra_float_digits == 1 &&
		   bytea_output == BYTEA_OUTPUT_HEX && xmlbinary == XMLBINARY_BASE64 &&
		   xmloption == XMLOPTION_CONTENT && !Transform_null_equals &&
		   standard_conforming_strings && row_security &&
		   DefaultXactIsoLevel == XACT_READ_COMMITTED && !DefaultXactReadOnly &&
		   !DefaultXactDeferrable;
}

static bool
is_kept(const char *name)
{
	if (strncmp(name, WFO_NAME ".", strlen(WFO_NAME ".")) == 0)
		return true;
	for (int i = 0; i < (int) lengthof(kept); i++)
		if (strcmp(kept[i], name) == 0)
			return true;
	return false;
}

/*
 * The value that a setting starts out with, before files, roles and
 * connections have their say; NULL where it has none.
 */
static char *
boot_value(struct config_generic *variable)
{
	switch (variable->vartype)
	{
		case PGC_BOOL:
			return pstrdup(((struct config_bool *) variable)->boot_val ? "on" : "off");
		case PGC_INT:
			return psprintf("%d", ((struct config_int *) variable)->boot_val);
		case PGC_REAL:
			return psprintf("%.17g", ((struct config_real *) variable)->boot_val);
		case PGC_ENUM:
			return pstrdup(config_enum_lookup_by_value((struct config_enum *) variable,
													   ((struct config_enum *) variable)
														   ->boot_val));
		case PGC_STRING:
			if ((variable->flags & GUC_CUSTOM_PLACEHOLDER) != 0)
				return pstrdup("");
			if (((struct config_string *) variable)->boot_val != NULL)
				return pstrdup(((struct config_string *) variable)->boot_val);
			return NULL;
	}
	pg_unreachable();
}

/*
 * Whether a setting's default is the caller's own: made with ALTER ROLE, or
 * given as the connection was opened.
 */
static bool
has_callers_default(const struct config_generic *variable)
{
	return variable->context == PGC_USERSET && variable->reset_source >= PGC_S_USER &&
		   variable->reset_source <= PGC_S_CLIENT;
}

/*
 * Give the settings the values that a call sees, until the current GUC nest
 * level ends: the pinned ones, and for what the session has SET its default,
 * by the rules of RESET ALL (ResetAllOptions in guc.c); where that is the
 * caller's own, the server's built-in one.
 */
void
sandbox_pin_settings(const char *search_path)
{
	int count;
	struct config_generic **variables = compat_guc_variables(&count);
	List *names = NIL;
	List *values = NIL;
	ListCell *name;
	ListCell *value;

	for (int i = 0; i < count; i++)
	{
		struct config_generic *variable = variables[i];
		bool callers_default = has_callers_default(variable);

		if ((variable->source <= PGC_S_OVERRIDE && !callers_default) ||
			(variable->context != PGC_SUSET && variable->context != PGC_USERSET) ||
			(variable->flags & GUC_NO_RESET_ALL) != 0 || is_kept(variable->name))
			continue;
		names = lappend(names, pstrdup(variable->name));
		values = lappend(values, callers_default ? boot_value(variable) : NULL);
	}
	forboth(name, names, value, values)(void)
		set_config_option((char *) lfirst(name), (char *) lfirst(value), PGC_SUSET, PGC_S_SESSION,
						  GUC_ACTION_SAVE, true, 0, false);

	if (!is_pinned())
		for (int i = 0; i < (int) lengthof(pinned); i++)
			pin(pinned[i].name, pinned[i].value);
	if (strcmp(pg_get_timezone_name(session_timezone), "UTC") != 0)
		pin("TimeZone", "UTC");
	if (strcmp(namespace_search_path, search_path) != 0)
		pin("search_path", search_path);
}

/*
 * Close the cursors that were opened since subtransaction sub began.  Left
 * open, the caller would run the rest of their queries with its own rights.
 */
static void
close_cursors(SubTransactionId sub)
{
	EState *estate = CreateExecutorState();
	ExprContext *econtext = CreateExprContext(estate);
	FuncExpr *expr;
	SetExprState *state;
	TupleDesc desc;
	Oid type;
	Tuplestorestate *cursors;
	TupleTableSlot *slot;

	(void) get_func_result_type(F_PG_CURSOR, &type, &desc);
	expr = makeFuncExpr(F_PG_CURSOR, RECORDOID, NIL, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	expr->funcretset = true;
	state = ExecInitTableFunctionResult((Expr *) expr, econtext, NULL);
	cursors = ExecMakeTableFunctionResult(state, econtext, GetPerTupleMemoryContext(estate), desc,
										  false);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(cursors, true, false, slot))
	{
		bool isnull;
		Portal portal = GetPortalByName(TextDatumGetCString(slot_getattr(slot, 1, &isnull)));

		if (portal != NULL && portal->createSubid >= sub && portal->portalPinned == false &&
			portal->status != PORTAL_ACTIVE)
			PortalDrop(portal, false);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(cursors);
	FreeExecutorState(estate);
}

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
	TransactionId xid = GetCurrentTransactionIdIfAny();
	Relation rel;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	bool found = false;

	GetTempNamespaceState(&schema, &toast_schema);
	if (!OidIsValid(schema) || !TransactionIdIsValid(xid))
		return;

	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

		found = TransactionIdFollowsOrEquals(xmin, xid) &&
				TransactionIdIsCurrentTransactionId(xmin);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (found)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("cannot create temporary objects within security-restricted "
							   "operation")));
}

/* Errors that end the caller's statement, whoever runs into them. */
static bool
is_callers_error(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		   error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		   (error->sqlerrcode == ERRCODE_QUERY_CANCELED && deadline_saw_cancel());
}

/*
 * Run function(arg) in the sandbox.
 *
 * Returns NULL, or the error it ended with; a timeout is an error 57014.  A
 * serialization failure, a deadlock and a cancel of the caller are raised on,
 * the cancel even where the code has caught it.  After an error, or with keep not set, all
 * effects are undone.  The function is called in the caller's memory context,
 * so what it allocates there stays.
 */
ErrorData *
sandbox_run(const Sandbox *sandbox, SandboxFunction function, void *arg)
{
	Oid outer_role = running_role;
	MemoryContext outer_context = CurrentMemoryContext;
	ResourceOwner outer_owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;
	volatile bool timed = false;
	volatile bool timed_out = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(outer_context);
	PG_TRY();
	{
		Oid save_user;
		int save_context;
		int nest_level = NewGUCNestLevel();

		GetUserIdAndSecContext(&save_user, &save_context);
		sandbox_pin_settings(sandbox->search_path);
		SetUserIdAndSecContext(sandbox->role, save_context | SECURITY_LOCAL_USERID_CHANGE |
												  SECURITY_RESTRICTED_OPERATION);
		running_role = sandbox->role;
		if (sandbox->read_only)
			XactReadOnly = true;

		timed = deadline_start(sandbox->timeout);
		PushActiveSnapshot(GetTransactionSnapshot());
		function(arg);
		PopActiveSnapshot();
		running_role = outer_role;
		if (timed)
		{
			timed = false;
			if (deadline_stop())
			{
				timed_out = true;
				ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("timed out")));
			}
			if (deadline_saw_cancel())
				ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
								errmsg("canceling statement due to user request")));
		}

		check_no_temporary_objects();
		close_cursors(GetCurrentSubTransactionId());
		AtEOXact_GUC(false, nest_level);
		SetUserIdAndSecContext(save_user, save_context);
		if (sandbox->keep)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		running_role = outer_role;
		MemoryContextSwitchTo(outer_context);
		error = CopyErrorData();
		FlushErrorState();
		if (timed && deadline_stop())
			timed_out = true;
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer_context);
	CurrentResourceOwner = outer_owner;

	if (timed_out)
	{
		error->sqlerrcode = ERRCODE_QUERY_CANCELED;
		error->message = psprintf("cancelled after the timeout of " INT64_FORMAT " ms",
								  sandbox->timeout);
		error->detail = NULL;
		error->hint = NULL;
	}
	else if (error != NULL && is_callers_error(error))
		ReThrowError(error);
	return error;
}
