/*
 * result_row.c
 *	  Results with more than one column.
 *
 * It knows nothing of what the columns mean.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "api/result_row.h"
#include "base/cache.h"
#include "funcapi.h"
#include "utils/syscache.h"

/* The function's result type, kept until a function or a type changes. */
static TupleDesc
result_type(FunctionCallInfo fcinfo)
{
	static const int caches[] = {PROCOID, TYPEOID};
	static Cache *types = NULL;
	Oid function = fcinfo->flinfo->fn_oid;
	TupleDesc desc;
	MemoryContext memory;
	MemoryContext old;

	if (types == NULL)
	{
		types = cache_create("result type");
		cache_depend_on_catalogs(types, caches, lengthof(caches));
	}
	desc = cache_get(types, &function, sizeof(function));
	if (desc != NULL)
		return desc;
	memory = cache_begin_value();
	old = MemoryContextSwitchTo(memory);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	MemoryContextSwitchTo(old);
	cache_put(types, &function, sizeof(function), desc, memory);
	return desc;
}

/* A row of the function's own result type; nulls may be NULL. */
Datum
result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc desc = result_type(fcinfo);
	bool *no_nulls = palloc0(sizeof(bool) * desc->natts);

	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls != NULL ? nulls : no_nulls));
}
