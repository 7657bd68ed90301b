/*
 * table_list.h
 *	  The extension's tables, each named once.
 *
 * Included where STORE_TABLE(table, info) is defined: table is the StoreTable,
 * info the StoreTableInfo in the table's own file.  There is no include guard.
 */
STORE_TABLE(STORE_ACTOR, actor_table)
STORE_TABLE(STORE_WORKFLOW, workflow_table)
STORE_TABLE(STORE_TOOL, tool_table)
STORE_TABLE(STORE_TOOL_DEFINITION, tool_definition_table)
STORE_TABLE(STORE_POLICY, policy_table)
STORE_TABLE(STORE_FREEZE, freeze_table)
STORE_TABLE(STORE_APPROVAL_RULE, rule_table)
STORE_TABLE(STORE_DELEGATION, delegation_table)
STORE_TABLE(STORE_STANDING_APPROVAL, standing_table)
STORE_TABLE(STORE_STANDING_USE, standing_use_table)
STORE_TABLE(STORE_PROPOSAL, proposal_table)
STORE_TABLE(STORE_PROPOSAL_REVISION, revision_table)
STORE_TABLE(STORE_PROPOSAL_COMMENT, comment_table)
STORE_TABLE(STORE_PREVIEW, preview_table)
STORE_TABLE(STORE_REVIEW, review_table)
STORE_TABLE(STORE_REVOCATION, revocation_table)
STORE_TABLE(STORE_EXECUTION, execution_table)
STORE_TABLE(STORE_QUEUE, queue_table)
STORE_TABLE(STORE_CANCEL_REQUEST, cancel_request_table)
STORE_TABLE(STORE_BREAK_GLASS, break_glass_table)
STORE_TABLE(STORE_AUDIT_LOG, audit_log_table)
STORE_TABLE(STORE_AUDIT_TREE, audit_tree_table)
STORE_TABLE(STORE_AUDIT_ORIGIN, audit_origin_table)
STORE_TABLE(STORE_AUDIT_LEAF, audit_leaf_table)
STORE_TABLE(STORE_AUDIT_TILE, audit_tile_table)
STORE_TABLE(STORE_AUDIT_ANCHOR, audit_anchor_table)
STORE_TABLE(STORE_WORKFLOW_HOLD, hold_table)
STORE_TABLE(STORE_REDACTION, redaction_table)
STORE_TABLE(STORE_AUDIT_PURGE, purge_table)
STORE_TABLE(STORE_PURGED_LEAF, purged_leaf_table)
STORE_TABLE(STORE_PURGED_KEY, purged_key_table)
