/*
 * verify_proposal.c
 *	  Compares a proposal's row with what the audit log and its revisions make of it.
 *
 * The row changes in place, so no leaf commits to all of it.  What it repeats of
 * its newest revision, which a leaf commits to, must be the same; the rest must
 * follow from the audit rows of the proposal, which are gone through in their
 * order.  A time that the row has on its own may differ a little from that of
 * the audit row.
 *
 * Whether status and approvals are right is the business of verify.c.
 */
#include "postgres.h"

#include "base/json.h"
#include "engine/audit/replay.h"
#include "engine/audit/verify_proposal.h"
#include "model/built_in.h"
#include "model/status.h"
#include "model/transition.h"
#include "store/review.h"
#include "store/revision.h"
#include "store/standing.h"
#include "store/tool_definition.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* The rows by which a proposal came to be what it is. */
typedef struct Trail
{
	const char *status;
	const AuditRow *since;   /* gave it its status */
	const AuditRow *turned;  /* the same, or said again by whom and why */
	const AuditRow *changed; /* the last change */
	const AuditRow *broken;  /* the break glass of an execution, or NULL */
	const AuditRow *worded;  /* gave it the params */
	const AuditRow *granted; /* since when an approval's time runs; NULL: it waits for one */
	int64 revisions;
	int64 standing_id; /* 0: none */
	int64 requested_since;
	bool edits_unknown; /* what was edited is redacted, and so requested_since is not known */
} Trail;

static bool
is_action(const AuditRow *row, const char *action)
{
	return strcmp(row->action, action) == 0;
}

static bool
decides(const AuditRow *row, const char *decision)
{
	const char *decided = is_action(row, "review_action") ? replay_text(row->details, "decision")
														  : NULL;

	return decided != NULL && strcmp(decided, decision) == 0;
}

static void
follow_revision(Trail *trail, const AuditRow *row)
{
	JsonbValue *edits;

	if (!is_action(row, "propose_action") && !is_action(row, "revise_proposal") &&
		!is_action(row, "accept_tool_definition") && !decides(row, "edit"))
		return;
	trail->revisions++;
	trail->standing_id = 0;
	if (!is_action(row, "accept_tool_definition"))
		trail->worded = row;
	if (is_action(row, "revise_proposal"))
	{
		trail->requested_since = 0;
		trail->edits_unknown = false;
	}
	if (!decides(row, "edit"))
		return;
	edits = json_find(row->details, "edits");
	if (edits == NULL)
		trail->edits_unknown = true;
	else if (edits->type != jbvBinary || JsonContainerSize(edits->val.binary.data) > 0)
		trail->requested_since = 0;
}

/* Since when the time of an approval runs: a pending proposal has that of its revision. */
static void
follow_time(Trail *trail, const AuditRow *row, const char *status)
{
	if (strcmp(status, enum_label(&proposal_status_type, PROPOSAL_PENDING)) == 0)
		trail->granted = NULL;
	else if (decides(row, "approve") || decides(row, "edit") ||
			 is_action(row, "accept_tool_definition") || is_action(row, "approve_by_rule") ||
			 is_action(row, "approve_by_standing"))
		trail->granted = row;
}

static void
follow_row(Trail *trail, const AuditRow *row)
{
	const char *status = replay_text(row->details, "status");

	if (is_action(row, "break_glass_execute") && trail->changed != NULL &&
		row->execution_id != NULL && trail->changed->execution_id != NULL &&
		*row->execution_id == *trail->changed->execution_id)
		trail->broken = row;
	/* An approval is voided together with another one, whose row says why. */
	if (status == NULL || is_action(row, "void_approval"))
		return;
	follow_revision(trail, row);
	follow_time(trail, row, status);
	if (is_action(row, "approve_by_standing"))
		trail->standing_id = replay_int64(row->details, "standing_id");
	if (is_action(row, "end_standing_approval"))
		trail->standing_id = 0;
	if (decides(row, "request_changes") && trail->requested_since == 0)
		trail->requested_since = replay_int64(row->details, "revision");
	trail->changed = row;
	trail->broken = NULL;
	if (trail->status == NULL || strcmp(status, trail->status) != 0)
		trail->since = trail->turned = row;
	else if (is_action(row, "revise_proposal") || is_action(row, "accept_tool_definition"))
		trail->turned = row;
	trail->status = status;
}

static void
report_column(const Findings *findings, const Proposal *proposal, const AuditRow *row,
			  const char *column, const char *source)
{
	finding_add(findings, &proposal->proposal_id, NULL, row != NULL ? &row->audit_id : NULL,
				psprintf("column \"%s\" of proposal " INT64_FORMAT " is not what %s", column,
						 proposal->proposal_id, source));
}

/* Columns that a proposal repeats of its newest revision. */
static const struct
{
	AttrNumber column;
	AttrNumber revision;
	const char *name;
} repeated[] = {
	{PROPOSAL_REQUIRED_APPROVALS, REVISION_REQUIRED_APPROVALS, "required_approvals"},
	{PROPOSAL_REQUIREMENTS, REVISION_REQUIREMENTS, "requirements"},
	{PROPOSAL_RULE_ID, REVISION_RULE_ID, "rule_id"},
	{PROPOSAL_REVISED_BY, REVISION_ACTOR_ID, "revised_by"},
	{PROPOSAL_PARAMS, REVISION_PARAMS, "params"},
	{PROPOSAL_REASON, REVISION_REASON, "reason"},
	{PROPOSAL_DEFINITION, REVISION_DEFINITION, "definition"},
	{PROPOSAL_REVISED_AT, REVISION_CREATED_AT, "revised_at"},
	{PROPOSAL_APPROVAL_TTL, REVISION_APPROVAL_TTL, "approval_ttl"},
};

static void
check_repeated(const Findings *findings, const Proposal *proposal, const StoredRow *revision)
{
	for (int i = 0; i < (int) lengthof(repeated); i++)
		if (!column_is_as(proposal->row, repeated[i].column, revision, repeated[i].revision))
			report_column(findings, proposal, NULL, repeated[i].name,
						  psprintf("revision " INT64_FORMAT " says", proposal->revision));
}

/*
 * Compare with the newest revision, and set until when that may be approved.
 * Returns false if one of the revisions is missing.
 */
static bool
check_revisions(const Findings *findings, const Proposal *proposal, const Trail *trail,
				TimestampTz *approve_until)
{
	ScanKeyData key;
	StoreScan scan;
	StoredRow *row;
	int64 count = 0;
	int64 right = 0;

	store_key_int64(&key, REVISION_PROPOSAL_ID, proposal->proposal_id);
	store_scan_begin(&scan, STORE_PROPOSAL_REVISION, "proposal_revision_pkey", 1, &key);
	while ((row = store_scan_next(&scan)) != NULL)
	{
		int64 revision = column_int64(row, REVISION_REVISION);

		count++;
		if (revision >= 1 && revision <= proposal->revision)
			right++;
		if (tool_definition_load(column_some_varlena(row, REVISION_DEFINITION)) == NULL)
			finding_add(findings, &proposal->proposal_id, NULL, NULL,
						psprintf("the definition of revision " INT64_FORMAT
								 " of proposal " INT64_FORMAT " is missing",
								 revision, proposal->proposal_id));
		if (revision != proposal->revision)
			continue;
		check_repeated(findings, proposal, row);
		*approve_until = column_is_null(row, REVISION_APPROVE_UNTIL)
							 ? 0
							 : column_int64(row, REVISION_APPROVE_UNTIL);
	}
	store_scan_end(&scan);
	if ((trail->worded != NULL && count != trail->revisions) || right != count ||
		proposal->revision != count)
		finding_add(findings, &proposal->proposal_id, NULL, NULL,
					psprintf("the proposal is at revision " INT64_FORMAT " of " INT64_FORMAT
							 ", by the audit log there are " INT64_FORMAT,
							 proposal->revision, count, trail->revisions));
	return right == proposal->revision;
}

/* The event that an audit row tells of, or NULL. */
static const char *
event_of(const AuditRow *row, bool broken)
{
	static const struct
	{
		const char *action;
		Event event;
	} events[] = {
		{"propose_action", EVENT_PROPOSE},
		{"revoke_approval", EVENT_REVOKE},
		{"withdraw_proposal", EVENT_WITHDRAW},
		{"expire_proposal", EVENT_EXPIRE},
		{"cancel_workflow", EVENT_CANCEL},
		{"retry_action", EVENT_RETRY},
		{"approve_by_rule", EVENT_APPROVE_BY_RULE},
		{"approve_by_standing", EVENT_APPROVE_BY_STANDING},
		{"end_standing_approval", EVENT_END_STANDING},
		{"accept_tool_definition", EVENT_ACCEPT_DEFINITION},
		{"revise_proposal", EVENT_REVISE},
	};
	const char *status = replay_text(row->details, "status");

	/* A decision is an event of the same name. */
	if (is_action(row, "review_action"))
		return replay_text(row->details, "decision");
	if (is_action(row, "execute_action"))
		return event_name(broken ? EVENT_BREAK_GLASS
						  : strcmp(status, enum_label(&proposal_status_type, PROPOSAL_FAILED)) == 0
							  ? EVENT_FAIL
							  : EVENT_EXECUTE);
	for (int i = 0; i < (int) lengthof(events); i++)
		if (is_action(row, events[i].action))
			return event_name(events[i].event);
	return NULL;
}

/* Why the proposal has its status, where an audit row gives a reason for that. */
static const char *
reason_of(const Trail *trail)
{
	if (trail->broken != NULL)
		return replay_text(trail->broken->details, "reason");
	if (is_action(trail->turned, "propose_action") || is_action(trail->turned, "review_action") ||
		is_action(trail->turned, "execute_action"))
		return NULL;
	return replay_text(trail->turned->details, "reason");
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Compare when, by whom and why the status was given, and by what the row was changed last. */
static void
check_turn(const Findings *findings, const Proposal *proposal, const Trail *trail)
{
	const AuditRow *turned = trail->turned;
	const char *event = event_of(trail->changed, trail->broken != NULL);
	const StoredRow *row = proposal->row;
	const char *source = psprintf("audit row " INT64_FORMAT " says", turned->audit_id);

	if (!replay_is_near(column_int64(row, PROPOSAL_STATUS_AT), trail->since->occurred_at))
		report_column(findings, proposal, trail->since, "status_at",
					  psprintf("audit row " INT64_FORMAT " says", trail->since->audit_id));
	if (!replay_is_same_id(column_int64_or_null(row, PROPOSAL_STATUS_BY), turned->actor_id))
		report_column(findings, proposal, turned, "status_by", source);
	if (!is_same_text(column_text(row, PROPOSAL_STATUS_REASON), reason_of(trail)))
		report_column(findings, proposal, turned, "status_reason", source);
	if (event != NULL && !is_same_text(column_text(row, PROPOSAL_EVENT), event))
		report_column(findings, proposal, trail->changed, "event",
					  psprintf("audit row " INT64_FORMAT " says", trail->changed->audit_id));
	if (column_bool(row, PROPOSAL_OPEN) != proposal_status_is_open(proposal->status))
		report_column(findings, proposal, NULL, "open", "follows from its status");
}

/* Whether a time is so long after another one, as some time zone counts days and months. */
static bool
is_after_by(TimestampTz time, TimestampTz from, const Interval *interval)
{
	int64 slack = interval->month != 0 ? 4 * USECS_PER_DAY
				  : interval->day != 0 ? 2 * USECS_PER_HOUR
									   : 0;
	TimestampTz expected = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																   TimestampTzGetDatum(from),
																   IntervalPGetDatum(interval)));

	return replay_is_near(time, expected) || (time > expected - slack && time < expected + slack);
}

/* Whether it expires as an approval does, at the end of the standing approval at the latest. */
static bool
expires_as_granted(const Proposal *proposal, const Trail *trail)
{
	const Standing *standing = trail->standing_id != 0 ? standing_load(trail->standing_id) : NULL;

	if (standing != NULL && proposal->expires_at == standing->ends_at)
		return true;
	if (proposal->approval_ttl == NULL)
		return proposal->expires_at == 0;
	return is_after_by(proposal->expires_at, trail->granted->occurred_at, proposal->approval_ttl);
}

static void
check_expiry(const Findings *findings, const Proposal *proposal, const Trail *trail,
			 TimestampTz approve_until)
{
	if (trail->granted == NULL ? proposal->expires_at != approve_until
							   : !expires_as_granted(proposal, trail))
		report_column(findings, proposal, trail->granted, "expires_at",
					  "follows from its approval");
}

/*
 * Whether the proposer may review: only where somebody else's edit, which counts
 * as nobody's approval, gave it the params.
 */
static bool
may_be_reviewed_by_proposer(const Proposal *proposal, const Trail *trail)
{
	int64 revision = replay_int64(trail->worded->details, "revision");
	int count;
	const Review *reviews;

	if (!decides(trail->worded, "edit"))
		return false;
	reviews = review_list(proposal->proposal_id, revision, &count);
	for (int i = 0; i < count; i++)
		if (reviews[i].decision == DECISION_EDIT)
			return !reviews[i].counts;
	return false;
}

/*
 * Compare a proposal, which was read with its audit rows at one time.  Where its
 * status is not theirs, which verify.c reports, nothing else is said of it.
 * Returns false if one of its revisions is missing, so that nobody should ask for it.
 */
bool
verify_proposal_row(const Findings *findings, const Proposal *proposal, const AuditRow *rows,
					int count)
{
	Trail trail = {0};
	TimestampTz approve_until = 0;
	bool complete;

	for (int i = 0; i < count; i++)
		follow_row(&trail, &rows[i]);
	complete = check_revisions(findings, proposal, &trail, &approve_until);
	/* Without the row of its making, which verify.c reports, nothing follows. */
	if (trail.worded == NULL)
		return complete;
	if (strcmp(trail.status, enum_label(&proposal_status_type, proposal->status)) == 0)
	{
		check_turn(findings, proposal, &trail);
		check_expiry(findings, proposal, &trail, approve_until);
	}
	if ((proposal->standing_id != NULL ? *proposal->standing_id : 0) != trail.standing_id)
		report_column(findings, proposal, NULL, "standing_id", "the audit log says");
	if (!trail.edits_unknown && proposal->requested_since != trail.requested_since)
		report_column(findings, proposal, NULL, "requested_since", "the audit log says");
	if (proposal->proposer_may_review && !may_be_reviewed_by_proposer(proposal, &trail))
		report_column(findings, proposal, NULL, "proposer_may_review", "follows from its edits");
	return complete;
}
