/*
 * finding.c
 *	  What verify_audit_log() finds.
 *
 * Owns the columns of a finding.  What is one is the business of verify.c and of
 * the other files that begin with verify.
 */
#include "postgres.h"

#include "engine/audit/finding.h"
#include "store/audit_log.h"
#include "utils/builtins.h"

/* Add a finding; an id is NULL where there is none. */
void
finding_add(const Findings *findings, const int64 *proposal_id, const int64 *execution_id,
			const int64 *audit_id, const char *text)
{
	const int64 *ids[] = {proposal_id, execution_id, NULL, audit_id};
	Datum values[lengthof(ids)] = {0};
	bool nulls[lengthof(ids)];

	for (int i = 0; i < (int) lengthof(ids); i++)
	{
		nulls[i] = ids[i] == NULL;
		if (ids[i] != NULL)
			values[i] = Int64GetDatum(*ids[i]);
	}
	values[2] = CStringGetTextDatum(text);
	nulls[2] = false;
	tuplestore_putvalues(findings->rows, findings->desc, values, nulls);
}

/* Add a finding about a row of the audit log. */
void
finding_add_of_row(const Findings *findings, const StoredRow *row, const char *text)
{
	int64 audit_id = column_int64(row, AUDIT_AUDIT_ID);

	finding_add(findings, column_int64_or_null(row, AUDIT_PROPOSAL_ID),
				column_int64_or_null(row, AUDIT_EXECUTION_ID), &audit_id, text);
}

/* Add a finding about the tree as a whole. */
void
finding_add_of_tree(const Findings *findings, const char *text)
{
	finding_add(findings, NULL, NULL, NULL, text);
}

/* Whether an error says that a row has what no code has written, and nothing about the session. */
bool
finding_is_of_row(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_INTERNAL_ERROR ||
		   category == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		   error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT;
}

/*
 * Compare what is named so, with compare(arg), in a subtransaction.  A row with values
 * that no code has written is a finding, and keeps nothing else from being compared.
 */
void
finding_try(const Findings *findings, const char *what, SubtransactionFunction compare, void *arg)
{
	ErrorData *error = subtransaction_try(compare, arg);

	if (error == NULL)
		return;
	if (!finding_is_of_row(error))
		ReThrowError(error);
	finding_add_of_tree(findings, psprintf("%s cannot be compared: %s", what, error->message));
}
