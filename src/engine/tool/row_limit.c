/*
 * row_limit.c
 *	  How many rows a call may change.
 *
 * It owns what the limit of a call is made of: the smallest one of the tool as it
 * is now, of the definition that the revision is pinned to, and of the approvals.
 * A limit is a pointer, and NULL is no limit.  row_count.c holds calls to it.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/json.h"
#include "engine/tool/row_limit.h"
#include "store/tool_definition.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* Refuse a limit below zero: 22023. */
void
row_limit_check_argument(int64 max_rows)
{
	if (max_rows < 0)
		report_invalid("wfo_argument_invalid", errmsg("max_rows must not be negative"),
					   errdetail("It is " INT64_FORMAT ".", max_rows));
}

/* The smaller one of two limits; the first if they are equal. */
const int64 *
row_limit_smaller(const int64 *a, const int64 *b)
{
	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	return *a <= *b ? a : b;
}

/* The limit in a definition that a revision is pinned to. */
static const int64 *
pinned_limit(const bytea *sha256)
{
	Jsonb *definition = tool_definition_load(sha256);
	JsonbValue *value = definition != NULL ? json_find(definition, "max_rows") : NULL;
	int64 *limit;

	if (value == NULL || value->type != jbvNumeric)
		return NULL;
	limit = palloc(sizeof(int64));
	*limit = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric)));
	return limit;
}

/*
 * The limit that the tool sets for a call of a revision: the smaller one of now
 * and of when the revision was pinned.  definition is the tool's current one, or
 * NULL if its function does not exist.
 */
const int64 *
row_limit_of_tool(const Tool *tool, const Definition *definition, const bytea *pinned)
{
	if (definition != NULL && definition_is(definition, pinned))
		return tool->max_rows;
	return row_limit_smaller(tool->max_rows, pinned_limit(pinned));
}

/* The limit of a proposal's call: of the tool and of the approvals of its current revision. */
const int64 *
row_limit_of_proposal(const Proposal *proposal, const Tool *tool, const Definition *definition)
{
	return row_limit_smaller(row_limit_of_tool(tool, definition, proposal->definition),
							 proposal->max_rows);
}
