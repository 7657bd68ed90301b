/*
 * result_row.c
 *	  Results with more than one column.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "api/result_row.h"
#include "funcapi.h"

/* A row of the function's own result type; nulls may be NULL. */
Datum
result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc desc;
	bool *no_nulls;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	no_nulls = palloc0(sizeof(bool) * desc->natts);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls != NULL ? nulls : no_nulls));
}
