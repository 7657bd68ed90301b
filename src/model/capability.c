/*
 * capability.c
 *	  Defines what each capability lets a role call and read.
 *
 * A capability is a set of plain grants.  A role that may EXECUTE the first
 * function of a set has the capability; a privilege on a table confers none.
 * The row security policies in sql/privileges.sql, and not this file, say which
 * rows a role reads.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "model/capability.h"

#define FUNCTIONS_OF_EVERYBODY \
	"get_audit_log", "audit_log_entries", "wait_proposal", "whoami", "transitions", \
		"transitions_mermaid", "describe_needs", "tool_check", "tool_change", "tool_max_rows", \
		"count_rebound_approvals"
#define FUNCTIONS_OF_CHECKERS \
	"test_approval_rule", "check_approval_rule", "approval_rule_effect", "check_setup", \
		"has_workers", "tool_function", "list_path_writers", "count_reviewers", \
		"count_administrators"
#define FUNCTIONS_OF_EVIDENCE \
	"seal_audit_log", "audit_checkpoint", "audit_entry", "audit_proof", "audit_consistency", \
		"record_anchor", "evidence", "evidence_check", "evidence_leaf", "evidence_audit", \
		"evidence_definitions", "evidence_anchors", "evidence_redactions", "find_unsealed", \
		"hold_workflow", "release_hold"
#define FUNCTIONS_OF_REPORT \
	"report_check", "report_excerpt", "report_text", "report_time", "report_duration", \
		"report_actor", "report_ids", "report_row", "report_table", "report_facts", "report_part", \
		"report_needs", "report_common", "report_value", "report_result", "report_revisions", \
		"report_decisions", "report_runs", "report_proposals", "report_mark", "report_legend", \
		"report_time_line", "report_checks", "report_context", "report_rules", "report_log", \
		"report_proofs", "report_style", "report_page", "workflow_report"
#define TABLES_OF_EVIDENCE \
	"audit_tree", "audit_origin", "audit_leaf", "audit_tile", "audit_anchor", "audit_status", \
		"redaction", "audit_purge", "purged_leaf", "purged_key"
#define TABLES_OF_PROPOSERS \
	"actor", "workflow", "tool", "proposal", "proposal_revision", "proposal_comment", "review", \
		"revocation", "execution", "queue", "cancel_request", "break_glass", "proposal_progress", \
		"workflow_summary", "review_history", "tool_status", "standing_approval", "standing_use", \
		"standing_approval_status", "workflow_hold"
#define TABLES_OF_REVIEWERS \
	TABLES_OF_PROPOSERS, "tool_definition", "policy", "freeze_window", "approval_rule", \
		"delegation", "preview", "worker_status", "queue_status", "execution_stats", \
		"pending_review"

static const char *const propose_functions[] = {"propose_action",       "start_workflow",
												"complete_workflow",    "cancel_workflow",
												"withdraw_proposal",    "revise_proposal",
												"comment_proposal",     "explain_approval",
												"standing_approval",    "end_standing_approval",
												FUNCTIONS_OF_EVERYBODY, NULL};
static const char *const review_functions[] = {"review_action",         "review_actions",
											   "explain_approval",      "preview_action",
											   "revoke_approval",       "review_break_glass",
											   "delegate_review",       "end_delegation",
											   "end_standing_approval", "comment_proposal",
											   "list_workers",          "list_pending_reviews",
											   "find_review_slot",      "list_execution_stats",
											   FUNCTIONS_OF_EVERYBODY,  NULL};
static const char *const execute_functions[] = {"execute_action",
												"execute_parallel",
												"enqueue_action",
												"wait_execution",
												"cancel_execution",
												"retry_action",
												"comment_proposal",
												"list_workers",
												"list_pending_reviews",
												"find_review_slot",
												"list_execution_stats",
												FUNCTIONS_OF_EVERYBODY,
												NULL};
static const char *const audit_functions[] = {"verify_audit_log",
											  FUNCTIONS_OF_EVIDENCE,
											  FUNCTIONS_OF_REPORT,
											  "list_workers",
											  FUNCTIONS_OF_CHECKERS,
											  "list_capabilities",
											  "list_pending_reviews",
											  "find_review_slot",
											  "list_execution_stats",
											  FUNCTIONS_OF_EVERYBODY,
											  NULL};
static const char *const administer_functions[] = {
	"set_policy",         "register_actor",       "update_actor",           "register_tool",
	"update_tool",        "set_tool_enabled",     "accept_tool_definition", "add_freeze",
	"remove_freeze",      "add_approval_rule",    "remove_approval_rule",   FUNCTIONS_OF_CHECKERS,
	"explain_approval",   "delegate_review",      "end_delegation",         "end_standing_approval",
	"grant_capability",   "revoke_capability",    "complete_workflow",      "cancel_workflow",
	"expire_proposals",   "comment_proposal",     "redact_proposal",        "redact_actor",
	"reapply_redactions", "purge_workflows",      "resume_queue",           "adopt_origin",
	"new_origin",         "seal_audit_log",       "find_unsealed",          "hold_workflow",
	"release_hold",       "list_workers",         "list_capabilities",      "list_pending_reviews",
	"find_review_slot",   "list_execution_stats", FUNCTIONS_OF_EVERYBODY,   NULL};
static const char *const gateway_functions[] = {"is_gateway", NULL};
static const char *const break_glass_functions[] = {"break_glass_execute", NULL};

static const char *const proposer_tables[] = {TABLES_OF_PROPOSERS, NULL};
static const char *const reviewer_tables[] = {TABLES_OF_REVIEWERS, NULL};
static const char *const auditor_tables[] = {TABLES_OF_REVIEWERS,  TABLES_OF_EVIDENCE,
											 "audit_log",          "access",
											 "approval_lead_time", "decisions_by_reviewer",
											 "policy_change_log",  "break_glass_open",
											 "refused_attempt",    NULL};
static const char *const no_tables[] = {NULL};

static const CapabilityInfo capabilities[CAPABILITY_COUNT] = {
	[CAPABILITY_PROPOSE] = {"propose", false, propose_functions, proposer_tables},
	[CAPABILITY_REVIEW] = {"review", false, review_functions, reviewer_tables},
	[CAPABILITY_EXECUTE] = {"execute", false, execute_functions, reviewer_tables},
	[CAPABILITY_AUDIT] = {"audit", false, audit_functions, auditor_tables},
	[CAPABILITY_ADMINISTER] = {"administer", true, administer_functions, auditor_tables},
	[CAPABILITY_GATEWAY] = {"gateway", true, gateway_functions, no_tables},
	[CAPABILITY_BREAK_GLASS] = {"break_glass", true, break_glass_functions, no_tables},
};

const CapabilityInfo *
capability_info(Capability capability)
{
	return &capabilities[capability];
}

bool
capability_parse(const char *name, Capability *capability)
{
	for (int i = 0; i < CAPABILITY_COUNT; i++)
	{
		if (strcmp(capabilities[i].name, name) == 0)
		{
			*capability = (Capability) i;
			return true;
		}
	}
	return false;
}

/* Return all names for a hint, as a palloc'd string. */
char *
capability_list(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < CAPABILITY_COUNT; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", capabilities[i].name);
	return list.data;
}

static bool
contains(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

bool
capability_has_function(Capability capability, const char *function)
{
	return contains(capabilities[capability].functions, function);
}

bool
capability_has_table(Capability capability, const char *table)
{
	return contains(capabilities[capability].tables, table);
}
