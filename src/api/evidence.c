/*
 * evidence.c
 *	  SQL functions about the tree over the audit log: sealing, checkpoints, proofs,
 *	  and the parts of evidence() that are not SQL.
 */
#include "postgres.h"

#include "api/result_row.h"
#include "base/args.h"
#include "engine/audit/evidence.h"
#include "engine/audit/tree.h"
#include "engine/audit/unsealed.h"
#include "engine/call.h"
#include "engine/verbs/anchor.h"
#include "engine/verbs/tree_origin.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "worker/client/sealing.h"

PG_FUNCTION_INFO_V1(wfo_seal_audit_log);
PG_FUNCTION_INFO_V1(wfo_audit_checkpoint);
PG_FUNCTION_INFO_V1(wfo_audit_entry);
PG_FUNCTION_INFO_V1(wfo_audit_proof);
PG_FUNCTION_INFO_V1(wfo_audit_consistency);
PG_FUNCTION_INFO_V1(wfo_record_anchor);
PG_FUNCTION_INFO_V1(wfo_adopt_origin);
PG_FUNCTION_INFO_V1(wfo_new_origin);
PG_FUNCTION_INFO_V1(wfo_evidence_check);
PG_FUNCTION_INFO_V1(wfo_evidence_leaf);
PG_FUNCTION_INFO_V1(wfo_find_unsealed);

/* The sealer is another process. */
Datum
wfo_seal_audit_log(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	call_begin_waiting("seal_audit_log");
	call_begin("seal_audit_log");
	PG_RETURN_INT64(sealing_run());
}

Datum
wfo_audit_checkpoint(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	call_begin_read("audit_checkpoint");
	PG_RETURN_TEXT_P(cstring_to_text(tree_checkpoint()));
}

Datum
wfo_audit_entry(PG_FUNCTION_ARGS)
{
	call_begin_read("audit_entry");
	PG_RETURN_BYTEA_P(tree_entry(arg_int64(fcinfo, 0, "audit_id")));
}

Datum
wfo_audit_proof(PG_FUNCTION_ARGS)
{
	call_begin_read("audit_proof");
	PG_RETURN_JSONB_P(tree_proof(arg_int64(fcinfo, 0, "audit_id"), arg_int64_or_null(fcinfo, 1)));
}

Datum
wfo_audit_consistency(PG_FUNCTION_ARGS)
{
	call_begin_read("audit_consistency");
	PG_RETURN_JSONB_P(tree_consistency(arg_int64(fcinfo, 0, "from_size"),
									   arg_int64_or_null(fcinfo, 1)));
}

Datum
wfo_record_anchor(PG_FUNCTION_ARGS)
{
	char *checkpoint;
	char *kind;

	call_begin("record_anchor");
	checkpoint = arg_text(fcinfo, 0, "checkpoint");
	kind = arg_key(fcinfo, 1, "kind");
	arg_require(fcinfo, 2, "proof");
	PG_RETURN_INT64(anchor_record(checkpoint, kind, PG_GETARG_BYTEA_P(2)));
}

Datum
wfo_adopt_origin(PG_FUNCTION_ARGS)
{
	call_begin("adopt_origin");
	PG_RETURN_TEXT_P(cstring_to_text(tree_adopt_origin(arg_text(fcinfo, 0, "reason"))));
}

Datum
wfo_new_origin(PG_FUNCTION_ARGS)
{
	call_begin("new_origin");
	PG_RETURN_TEXT_P(cstring_to_text(tree_new_origin(arg_text(fcinfo, 0, "reason"))));
}

Datum
wfo_evidence_check(PG_FUNCTION_ARGS)
{
	call_begin_read("evidence");
	evidence_check(arg_int64(fcinfo, 0, "proposal_id"));
	PG_RETURN_BOOL(true);
}

Datum
wfo_evidence_leaf(PG_FUNCTION_ARGS)
{
	Jsonb *leaf;

	call_begin_read("evidence_leaf");
	leaf = evidence_leaf(arg_int64(fcinfo, 0, "audit_id"), arg_int64(fcinfo, 1, "size"));
	if (leaf == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(leaf);
}

Datum
wfo_find_unsealed(PG_FUNCTION_ARGS)
{
	Datum values[2];
	bool nulls[2] = {0};
	int64 audit_id;
	TimestampTz occurred_at;

	call_begin_read("find_unsealed");
	if (!unsealed_first(&audit_id, &occurred_at))
		PG_RETURN_NULL();
	values[0] = Int64GetDatum(audit_id);
	values[1] = TimestampTzGetDatum(occurred_at);
	return result_row(fcinfo, values, nulls);
}
