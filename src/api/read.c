/*
 * read.c
 *	  SQL functions of the row security policies.
 */
#include "postgres.h"

#include "engine/identity/reader.h"
#include "engine/identity/row_policy.h"
#include "fmgr.h"
#include "nodes/supportnodes.h"

PG_FUNCTION_INFO_V1(wfo_may_read);
PG_FUNCTION_INFO_V1(wfo_may_read_support);

/* What a plan has something else for. */
Datum
wfo_may_read(PG_FUNCTION_ARGS)
{
	Reader reader;

	reader_identify(&reader);
	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(reader.reads_all);
	PG_RETURN_BOOL(reader_may_read(&reader, PG_GETARG_INT64(1)));
}

Datum
wfo_may_read_support(PG_FUNCTION_ARGS)
{
	SupportRequestSimplify *request = (SupportRequestSimplify *) PG_GETARG_POINTER(0);

	if (!IsA(request, SupportRequestSimplify) || request->root == NULL)
		PG_RETURN_POINTER(NULL);
	PG_RETURN_POINTER(row_policy_condition(request->root, request->fcall->args));
}
