/*
 * verify.c
 *	  Compares the tables with the audit log.
 *
 * Owns what must agree: every status of a proposal follows from an audit row;
 * every review and revocation has one; the approvals fill the slots that the
 * proposal names; an execution without the approvals has its break glass.  A
 * difference means that somebody bypassed the triggers, with the rights of the tables' owner or
 * outside the server.  It only reads.
 */
#include "postgres.h"

#include "base/each.h"
#include "base/errors.h"
#include "base/subtransaction.h"
#include "engine/approval/requirement.h"
#include "engine/approval/vote.h"
#include "engine/audit/audit.h"
#include "engine/audit/finding.h"
#include "engine/audit/replay.h"
#include "engine/audit/verify_definition.h"
#include "engine/audit/verify_execution.h"
#include "engine/audit/verify_proposal.h"
#include "engine/audit/verify_purge.h"
#include "engine/audit/verify_redaction.h"
#include "engine/audit/verify_tree.h"
#include "engine/state.h"
#include "model/transition.h"
#include "store/break_glass.h"
#include "store/execution.h"
#include "store/proposal.h"
#include "store/review.h"
#include "store/revocation.h"
#include "store/standing.h"
#include "utils/builtins.h"

typedef struct Verification
{
	const int64 *ids; /* proposals to verify */
	const Findings *findings;
} Verification;

static void
report_finding(const Verification *verification, int64 proposal_id, const int64 *execution_id,
			   const char *finding)
{
	finding_add(verification->findings, &proposal_id, execution_id, NULL, finding);
}

/* Return the status that a proposal has by its audit rows, or NULL. */
static const char *
status_by_audit(const AuditRow *rows, int count)
{
	const char *status = NULL;

	for (int i = 0; i < count; i++)
	{
		char *recorded = replay_text(rows[i].details, "status");

		if (recorded != NULL)
			status = recorded;
	}
	return status;
}

static int
count_action(const AuditRow *rows, int count, const char *action)
{
	int found = 0;

	for (int i = 0; i < count; i++)
		found += strcmp(rows[i].action, action) == 0;
	return found;
}

/* A proposal that a standing approval has approved must be one that it is for. */
static void
verify_standing(const Verification *verification, const Proposal *proposal, const AuditRow *rows,
				int count)
{
	const Standing *standing = standing_load(*proposal->standing_id);

	if (standing == NULL || standing->actor_id != proposal->actor_id ||
		strcmp(standing->tool, proposal->tool) != 0 || proposal->revision != 1 ||
		proposal->approvals != 0 || proposal->stage != NULL)
		report_finding(verification, proposal->proposal_id, NULL,
					   psprintf("it is not one of those that standing approval " INT64_FORMAT
								" is for",
								*proposal->standing_id));
	else if ((standing->max_rows == NULL) != (proposal->max_rows == NULL) ||
			 (standing->max_rows != NULL && *standing->max_rows != *proposal->max_rows))
		report_finding(verification, proposal->proposal_id, NULL,
					   "its limit on rows is not that of the standing approval");
	if (count_action(rows, count, "approve_by_standing") != 1)
		report_finding(verification, proposal->proposal_id, NULL,
					   "its standing approval has not exactly one audit row");
}

/* The valid approvals must result in what the proposal says. */
static void
verify_votes(const Verification *verification, const Proposal *proposal, const AuditRow *rows,
			 int count)
{
	Votes votes;
	int64 stage = proposal->stage != NULL ? *proposal->stage : 0;

	if (proposal->standing_id != NULL)
	{
		verify_standing(verification, proposal, rows, count);
		return;
	}
	if (!requirement_read(proposal->requirements, &votes.quorum))
	{
		report_finding(verification, proposal->proposal_id, NULL, "its requirements are malformed");
		return;
	}
	votes_load(&votes, proposal);
	if (votes.napprovals != proposal->approvals || votes.open_stage != stage)
		report_finding(verification, proposal->proposal_id, NULL,
					   psprintf("the approvals are %d and leave stage " INT64_FORMAT
								" open, the proposal has " INT64_FORMAT " and stage " INT64_FORMAT,
								votes.napprovals, votes.open_stage, proposal->approvals, stage));
	if ((votes.max_rows == NULL) != (proposal->max_rows == NULL) ||
		(votes.max_rows != NULL && *votes.max_rows != *proposal->max_rows))
		report_finding(verification, proposal->proposal_id, NULL,
					   "its limit on rows is not that of the approvals");
}

static bool
is_broken_glass(const Execution *execution, const AuditRow *rows, int count)
{
	if (break_glass_load(execution->execution_id) == NULL)
		return false;
	for (int i = 0; i < count; i++)
		if (rows[i].execution_id != NULL && *rows[i].execution_id == execution->execution_id &&
			strcmp(rows[i].action, "break_glass_execute") == 0)
			return true;
	return false;
}

/*
 * A call that ran while a stage was open must have run by break glass, and have
 * the row for it.
 */
static void
verify_approved(const Verification *verification, const Proposal *proposal,
				const Execution *executions, int nexecutions, const AuditRow *rows, int count)
{
	if (proposal->stage == NULL ||
		(proposal->status != PROPOSAL_EXECUTED && proposal->status != PROPOSAL_FAILED))
		return;
	for (int i = 0; i < nexecutions; i++)
		if (is_broken_glass(&executions[i], rows, count))
			return;
	report_finding(verification, proposal->proposal_id, NULL,
				   psprintf("it ran while stage " INT64_FORMAT
							" was open, and no break glass is on record",
							*proposal->stage));
}

static void
verify_proposal(const Verification *verification, const Proposal *proposal)
{
	int naudit;
	int nreviews;
	int nrevocations;
	int nexecutions;
	AuditRow *audit = audit_list_of_proposal(proposal->proposal_id, &naudit);
	Execution *executions = execution_list(proposal->proposal_id, &nexecutions);
	const char *status = status_by_audit(audit, naudit);

	if (count_action(audit, naudit, "propose_action") != 1)
		report_finding(verification, proposal->proposal_id, NULL,
					   "the proposal has not exactly one audit row of its making");
	if (status == NULL || strcmp(status, enum_label(&proposal_status_type, proposal->status)) != 0)
		report_finding(verification, proposal->proposal_id, NULL,
					   psprintf("the status is %s, by the audit log it is %s",
								enum_label(&proposal_status_type, proposal->status),
								status != NULL ? status : "unknown"));
	nreviews = review_count(proposal->proposal_id);
	if (count_action(audit, naudit, "review_action") != nreviews)
		report_finding(verification, proposal->proposal_id, NULL,
					   psprintf("there are %d reviews, by the audit log %d", nreviews,
								count_action(audit, naudit, "review_action")));
	nrevocations = revocation_count(proposal->proposal_id);
	if (count_action(audit, naudit, "revoke_approval") +
			count_action(audit, naudit, "void_approval") !=
		nrevocations)
		report_finding(verification, proposal->proposal_id, NULL,
					   psprintf("there are %d revocations, by the audit log %d", nrevocations,
								count_action(audit, naudit, "revoke_approval") +
									count_action(audit, naudit, "void_approval")));
	if (verify_proposal_row(verification->findings, proposal, audit, naudit))
		verify_votes(verification, proposal, audit, naudit);
	verify_approved(verification, proposal, executions, nexecutions, audit, naudit);
	for (int i = 0; i < nexecutions; i++)
		verify_execution(verification->findings, proposal, &executions[i], audit, naudit);
}

/* One of the proposals. */
typedef struct VerifiedOne
{
	const Verification *verification;
	int64 proposal_id;
} VerifiedOne;

static void
verify_at_once(void *arg)
{
	const VerifiedOne *one = arg;
	const Proposal *proposal = proposal_load(one->proposal_id);

	/* It may have been purged since the ids were read. */
	if (proposal != NULL)
		verify_proposal(one->verification, proposal);
}

static void
verify_as_of_now(void *arg)
{
	store_read_as_of(NULL, verify_at_once, arg);
}

/* A row that cannot be read is a finding, and keeps no other proposal from being verified. */
static void
verify_one(int index, void *arg)
{
	const Verification *verification = arg;
	VerifiedOne one = {verification, verification->ids[index]};
	ErrorData *error = subtransaction_try(verify_as_of_now, &one);

	if (error == NULL)
		return;
	if (!finding_is_of_row(error))
		ReThrowError(error);
	report_finding(verification, one.proposal_id, NULL,
				   psprintf("the proposal cannot be compared: %s", error->message));
}

/* A comparison of the whole. */
typedef struct WholeCheck
{
	const Findings *findings;
	Witnesses witnesses;
} WholeCheck;

static void
add_anchors(void *arg)
{
	WholeCheck *check = arg;

	witness_add_anchors(check->findings, &check->witnesses);
}

static void
compare_tree(void *arg)
{
	const WholeCheck *check = arg;
	LogCheck *log = verify_log_begin(check->findings, audit_tree_load());

	verify_tree(check->findings, log, &check->witnesses);
	verify_log_end(log);
}

static void
compare_kept_hashes(void *arg)
{
	verify_redactions(((const WholeCheck *) arg)->findings);
}

static void
compare_purges(void *arg)
{
	verify_purges(((const WholeCheck *) arg)->findings);
}

static void
queue_and_definitions_as_of_now(void *arg)
{
	verify_queue(arg);
	verify_definitions(arg);
}

static void
compare_queue_and_definitions(void *arg)
{
	store_read_as_of(NULL, queue_and_definitions_as_of_now,
					 (void *) ((const WholeCheck *) arg)->findings);
}

/*
 * Compare the whole tree with the log, with the anchors, and with a checkpoint unless
 * that is NULL.  The caller has not looked at the tables yet.
 */
static void
verify_all_sealed(const Findings *findings, const char *checkpoint)
{
	WholeCheck check = {.findings = findings};

	if (checkpoint != NULL)
		witness_add_checkpoint(&check.witnesses, checkpoint);
	finding_try(findings, "the anchors", add_anchors, &check);
	witness_sort(&check.witnesses);
	finding_try(findings, "the tree", compare_tree, &check);
	finding_try(findings, "the redactions", compare_kept_hashes, &check);
	finding_try(findings, "the purges", compare_purges, &check);
	finding_try(findings, "the queue and the definitions", compare_queue_and_definitions, &check);
}

/*
 * Put what is found into a tuplestore: of one workflow, changed rows and what
 * does not agree with the log, or if that is NULL of everything.  checkpoint is
 * one that was kept, or NULL.
 */
void
audit_verify(const int64 *workflow_id, const char *checkpoint, Tuplestorestate *rows,
			 TupleDesc desc)
{
	Findings findings = {.rows = rows, .desc = desc};
	Verification verification = {.findings = &findings};
	int count;

	if (workflow_id != NULL && checkpoint != NULL)
		report_invalid("wfo_checkpoint_of_workflow",
					   errmsg("a checkpoint is of the whole log, and not of one workflow"),
					   errhint("Leave workflow_id out."));
	if (workflow_id != NULL)
	{
		(void) workflow_require(*workflow_id);
		verify_log_of_workflow(&findings, *workflow_id);
	}
	else
		verify_all_sealed(&findings, checkpoint);
	verification.ids = proposal_list(workflow_id, &count);
	each_item(count, verify_one, &verification);
}
