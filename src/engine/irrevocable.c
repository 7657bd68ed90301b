/*
 * irrevocable.c
 *	  Refuses functions whose effect a rollback does not undo, while a call runs
 *	  that is to be rolled back.
 *
 * The server's own functions that would leave something behind in the session
 * or in the database: advisory locks that outlast a transaction, the value of a
 * sequence set back, other sessions ended, a file written.  They are caught by
 * the hook that the executor calls for each function it is about to run.  Taking
 * the next value of a sequence is not among them, since nearly every INSERT does.
 * What functions of other extensions do is for who registers the tool to know.
 */
#include "postgres.h"

#include "base/errors.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "engine/irrevocable.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

static const Oid functions[] = {
	F_PG_ADVISORY_LOCK_INT8,          F_PG_ADVISORY_LOCK_SHARED_INT8,
	F_PG_ADVISORY_LOCK_INT4_INT4,     F_PG_ADVISORY_LOCK_SHARED_INT4_INT4,
	F_PG_TRY_ADVISORY_LOCK_INT8,      F_PG_TRY_ADVISORY_LOCK_SHARED_INT8,
	F_PG_TRY_ADVISORY_LOCK_INT4_INT4, F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4,
	F_PG_ADVISORY_UNLOCK_INT8,        F_PG_ADVISORY_UNLOCK_SHARED_INT8,
	F_PG_ADVISORY_UNLOCK_INT4_INT4,   F_PG_ADVISORY_UNLOCK_SHARED_INT4_INT4,
	F_PG_ADVISORY_UNLOCK_ALL,         F_SETVAL_REGCLASS_INT8,
	F_SETVAL_REGCLASS_INT8_BOOL,      F_PG_CANCEL_BACKEND,
	F_PG_TERMINATE_BACKEND,           F_LO_EXPORT,
};

static object_access_hook_type next_hook = NULL;

static void
refuse(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (next_hook != NULL)
		next_hook(access, class_id, object_id, sub_id, arg);
	if (access != OAT_FUNCTION_EXECUTE || class_id != ProcedureRelationId)
		return;
	for (int i = 0; i < (int) lengthof(functions); i++)
		if (functions[i] == object_id)
			report_wrong_state(errmsg("function %s cannot be called in a call that is rolled back",
									  get_func_name(object_id)),
							   errdetail("A rollback does not undo what it does."),
							   errhint("This tool's calls cannot be previewed. An administrator "
									   "can say so with update_tool(..., preview => false)."));
}

/* From here on such functions are errors 55000. */
void
irrevocable_refuse(void)
{
	next_hook = object_access_hook;
	object_access_hook = refuse;
}

void
irrevocable_allow(void)
{
	object_access_hook = next_hook;
}
