/*
 * read.c
 *	  SQL functions of the row security policies.
 *
 * The policies in sql/privileges.sql call may_read; the planner asks its
 * support function what to do instead. identity/reader.c and row_policy.c know
 * the answers.
 */
#include "postgres.h"

#include "engine/identity/reader.h"
#include "engine/identity/row_policy.h"
#include "fmgr.h"
#include "nodes/supportnodes.h"

PG_FUNCTION_INFO_V1(wfo_may_read);
PG_FUNCTION_INFO_V1(wfo_may_read_support);

/* The condition of the policies, called where no plan has replaced it (row_policy.c). */
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
