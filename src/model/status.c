/*
 * status.c
 *	  The labels of the extension's enum types.
 *
 * sql/schema.sql has the same labels; a test compares the two.
 */
#include "postgres.h"

#include "model/status.h"

static const char *const workflow_status_labels[] = {"active", "completed", "cancelled"};

static const char *const proposal_status_labels[] = {"pending",   "approved", "rejected",
													 "withdrawn", "expired",  "executed",
													 "failed",    "cancelled"};

static const char *const execution_status_labels[] = {"queued", "running", "succeeded", "failed",
													  "cancelled"};

static const char *const review_decision_labels[] = {"approve", "reject", "edit",
													 "request_changes"};

static const char *const dry_run_mode_labels[] = {"describe", "rollback"};

static const char *const actor_kind_labels[] = {"human", "agent", "service"};

const EnumType workflow_status_type = {"workflow_status", lengthof(workflow_status_labels),
									   workflow_status_labels};
const EnumType proposal_status_type = {"proposal_status", lengthof(proposal_status_labels),
									   proposal_status_labels};
const EnumType execution_status_type = {"execution_status", lengthof(execution_status_labels),
										execution_status_labels};
const EnumType review_decision_type = {"review_decision", lengthof(review_decision_labels),
									   review_decision_labels};
const EnumType actor_kind_type = {"actor_kind", lengthof(actor_kind_labels), actor_kind_labels};
const EnumType dry_run_mode_type = {"dry_run_mode", lengthof(dry_run_mode_labels),
									dry_run_mode_labels};
