/*
 * result.h
 *	  The JSON in which a call's result is given back and stored.
 */
#ifndef WFO_ENGINE_RESULT_H
#define WFO_ENGINE_RESULT_H

#include "postgres.h"

#include "base/json.h"
#include "engine/tool/changes.h"
#include "engine/tool/row_count.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

typedef struct CallResult
{
	const char *tool;
	Jsonb *params;
	bool dry_run;
	bool break_glass;       /* it ran without the approvals */
	bool may_have_happened; /* it failed, and what it did outside the transaction stays */
	Jsonb *output;          /* what the tool returned */
	RowCount rows;          /* that the call has changed */
	bool simulated;         /* the call ran and was rolled back */
	Changes changes;        /* what it had changed by then */
	ErrorData *error;       /* what it failed with, or NULL */
	TimestampTz started_at;
	TimestampTz finished_at;
} CallResult;

/* A member that only a redacted result has. */
#define RESULT_REDACTED "redacted"

extern Jsonb *result_build(const CallResult *result);
extern Jsonb *preview_build(const CallResult *result, int64 preview_id, int64 proposal_id,
							int64 revision);
extern Jsonb *error_build(const ErrorData *error);
extern void result_add_for_audit(JsonObject *object, Jsonb *result);
extern Jsonb *result_facts(Jsonb *result);
extern Jsonb *tool_call_build(const char *tool, Jsonb *params, const int64 *max_rows);

#endif
