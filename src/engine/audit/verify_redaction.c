/*
 * verify_redaction.c
 *	  Compares the redactions with the audit rows that tell of them.
 *
 * A kept hash stands for values that nobody can compare any more, so each must
 * come from a redaction: its audit row, which is sealed as all others, has the
 * number and the SHA-256 of what it took; and the values must be gone, or somebody has
 * made the redaction up to hide that they were changed.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/audit/identity.h"
#include "engine/audit/leaf.h"
#include "engine/audit/redact.h"
#include "engine/audit/redact_row.h"
#include "engine/audit/replay.h"
#include "engine/audit/verify_redaction.h"
#include "miscadmin.h"
#include "store/actor.h"
#include "store/audit_log.h"
#include "store/redaction.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

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

/* Whether a redaction of what people wrote has left values in a row that an audit row tells of. */
static bool
told_rows_have_more(const StoredRow *row)
{
	LeafRow told[LEAF_ROWS_MAX];
	int count = leaf_told_rows(row, told);

	for (int i = 0; i < count; i++)
		if (told_row_has_more(&told[i]))
			return true;
	return false;
}

/* Whether an actor has the name that a redaction gives. */
static bool
actor_is_redacted(int64 actor_id)
{
	const Actor *actor = actor_load(actor_id);

	return actor != NULL && strcmp(actor->name, actor_redacted_name(actor_id)) == 0;
}

/*
 * Whether the values are gone that every redaction of the group takes.  Others may stay in
 * it, such as details where the statement alone was shared with what was redacted.
 */
static bool
values_are_gone(const Redaction *redaction, const StoredRow *row)
{
	if (redaction->object == REDACTED_ACTOR && !actor_is_redacted(redaction->object_id))
		return false;
	switch (redaction->group)
	{
		case GROUP_WHO:
			return column_is_null(row, AUDIT_CLIENT_ADDR) &&
				   strcmp(column_some_text(row, AUDIT_APPLICATION_NAME), "") == 0;
		case GROUP_WHAT:
			return column_is_null(row, AUDIT_QUERY);
		case GROUP_ROWS:
			return redaction->object == REDACTED_ACTOR || !told_rows_have_more(row);
		default:
			return true;
	}
}

/* Report a redaction that was made up to hide a change: the values are still there. */
static void
check_values(const Findings *findings, const Redaction *redaction)
{
	const StoredRow *row = audit_load(redaction->audit_id);

	/* It may have been purged since the redactions were read. */
	if (row != NULL && !values_are_gone(redaction, row))
		finding_add_of_row(findings, row,
						   psprintf("the group %s of audit row " INT64_FORMAT
									" is redacted, and its values are still there",
									leaf_group_label(redaction->group), redaction->audit_id));
}

static void
check_each(const Findings *findings, const Redaction *redactions, int count)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "redacted group",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_values(findings, &redactions[i]);
		MemoryContextReset(memory);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
}

/* Look at the redactions of one audit row, which come in the order of ids and groups. */
static void
verify_trail(void *arg, const Redaction *redactions, int count)
{
	const Findings *findings = arg;
	const StoredRow *row = audit_load(redactions[0].trail);

	if (row != NULL && tells_of(row, redactions, count))
	{
		check_each(findings, redactions, count);
		return;
	}
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
