/*
 * tool_function.c
 *	  Which functions can be tools.
 *
 * It owns what is asked of a function once, when a tool is registered or gets
 * another function: that it is a plain function of the application, whose
 * arguments have names and definite types.  What a tool is at a moment is in
 * definition.c, and which role it may run as in run_as.c.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/names.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "engine/tool/run_sql.h"
#include "engine/tool/tool_function.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* The function's row of pg_proc, to be released: 42704 where there is none. */
HeapTuple
tool_function_fetch(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		report_unknown("wfo_unknown_function",
					   errmsg("function with OID %u does not exist", function));
	return tuple;
}

/*
 * Check that a function can be a tool.
 *
 * 22023 if its kind, arguments or result do not allow it. 42501 for functions
 * of the extension except run_sql, since they would bypass the review.
 */
void
tool_function_check(Oid function)
{
	HeapTuple tuple = tool_function_fetch(function);
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	char *signature = format_procedure(function);
	Oid *types;
	char **names;
	char *modes;
	int nargs = get_func_arg_info(tuple, &types, &names, &modes);
	Oid result_type;
	TupleDesc result_desc;
	TypeFuncClass result_class;

	if (getExtensionOfObject(ProcedureRelationId, function) == get_extension_oid(WFO_NAME, false) &&
		!run_sql_is(function))
		report_denied("wfo_not_a_tool",
					  errmsg("function %s belongs to the extension and cannot be a tool",
							 signature),
					  errhint("Register a function of the application, or run_sql."));
	if (proc->prokind != PROKIND_FUNCTION)
		report_invalid("wfo_not_a_tool", errmsg("%s is not a plain function", signature),
					   errdetail("Procedures, aggregates and window functions cannot be tools."),
					   errhint("Write a function that does the work, and register that."));
	if (isAnyTempNamespace(proc->pronamespace))
		report_invalid("wfo_not_a_tool",
					   errmsg("function %s is a temporary one of a session", signature),
					   errhint("Create it in a schema that stays, and register that."));

	for (int i = 0; i < nargs; i++)
	{
		if (modes != NULL && modes[i] != PROARGMODE_IN && modes[i] != PROARGMODE_INOUT &&
			modes[i] != PROARGMODE_VARIADIC)
			continue;
		if (names == NULL || names[i][0] == '\0')
			report_invalid("wfo_not_a_tool",
						   errmsg("argument %d of function %s has no name", i + 1, signature),
						   errdetail("The keys of params are the names of the arguments."),
						   errhint("Name every argument of the function."));
		if (get_typtype(types[i]) == TYPTYPE_PSEUDO)
			report_invalid("wfo_not_a_tool",
						   errmsg("argument \"%s\" of function %s has the pseudo-type %s", names[i],
								  signature, format_type_be(types[i])),
						   errhint("Register a function whose arguments have definite types."));
	}

	result_class = get_func_result_type(function, &result_type, &result_desc);
	if (result_type != VOIDOID && result_class != TYPEFUNC_SCALAR &&
		result_class != TYPEFUNC_COMPOSITE && result_class != TYPEFUNC_COMPOSITE_DOMAIN)
		report_invalid("wfo_not_a_tool",
					   errmsg("function %s returns the pseudo-type %s", signature,
							  format_type_be(proc->prorettype)),
					   errhint("Register a function whose result has a definite type."));
	ReleaseSysCache(tuple);
}
