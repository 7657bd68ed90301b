/*
 * verify_redaction.c
 *	  Compares the redactions with the audit rows that tell of them.
 *
 * A kept hash stands for values that nobody can compare any more, so each must
 * come from a redaction: its audit row, which is sealed as all others, has the
 * number and the SHA-256 of what it took.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/audit/redact.h"
#include "engine/audit/replay.h"
#include "engine/audit/verify_redaction.h"
#include "store/audit_log.h"
#include "store/redaction.h"
#include "utils/builtins.h"

/*
 * Whether a redaction is of the object, by the actor and of the time that its audit row
 * has.  A row in another workflow, which the redaction has reached, does not name the proposal.
 */
static bool
is_of_row(const Redaction *redaction, const StoredRow *row, Jsonb *details)
{
	const int64 *proposal_id = column_int64_or_null(row, AUDIT_PROPOSAL_ID);
	bool is_of_actor = json_find(details, "actor_id") != NULL;
	bool is_object = is_of_actor ? redaction->object_id == replay_int64(details, "actor_id")
								 : proposal_id == NULL || redaction->object_id == *proposal_id;

	return is_object && is_of_actor == (redaction->object == REDACTED_ACTOR) &&
		   replay_is_same_id(redaction->redacted_by, column_int64_or_null(row, AUDIT_ACTOR_ID)) &&
		   replay_is_of_call(redaction->redacted_at, column_int64(row, AUDIT_OCCURRED_AT));
}

/* Whether a row of the audit log tells of these redactions and no others. */
static bool
tells_of(const StoredRow *row, const Redaction *redactions, int count)
{
	Jsonb *details = column_varlena(row, AUDIT_DETAILS);
	JsonbValue *number = json_find(details, "count");
	JsonbValue *sha256 = json_find(details, "redacted_sha256");
	char *expected = redactions_sha256(redactions, count);
	const char *action = column_text(row, AUDIT_ACTION);
	int64 told;

	for (int i = 0; i < count; i++)
		if (!is_of_row(&redactions[i], row, details))
			return false;
	return action != NULL && redaction_is_told_by(action) && number != NULL &&
		   json_value_int64(number, &told) && told == count && sha256 != NULL &&
		   sha256->type == jbvString && sha256->val.string.len == (int) strlen(expected) &&
		   memcmp(sha256->val.string.val, expected, sha256->val.string.len) == 0;
}

/* Look at the redactions of one audit row, which come in the order of ids and groups. */
static void
verify_trail(void *arg, const Redaction *redactions, int count)
{
	const Findings *findings = arg;
	const StoredRow *row = audit_load(redactions[0].trail);

	if (row != NULL && tells_of(row, redactions, count))
		return;
	for (int i = 0; i < count; i++)
		finding_add(findings, NULL, NULL, &redactions[i].audit_id,
					psprintf("the group %s of audit row " INT64_FORMAT
							 " is redacted, and audit row " INT64_FORMAT " does not tell of it",
							 leaf_group_label(redactions[i].group), redactions[i].audit_id,
							 redactions[i].trail));
}

void
verify_redactions(const Findings *findings)
{
	redaction_each_trail(verify_trail, (void *) findings);
}
