/*
 * record_setting.c
 *	  The audit rows of what administrators change: actors, tools, policy, rules,
 *	  freezes and delegations.
 *
 * Owns what these rows say.  record.c decides when one is written.
 */
#include "postgres.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/audit/record_row.h"
#include "engine/audit/setting.h"
#include "store/actor.h"
#include "store/audit_anchor.h"
#include "store/audit_log.h"
#include "store/delegation.h"
#include "store/freeze.h"
#include "store/policy.h"
#include "store/rule.h"
#include "store/standing.h"
#include "store/table.h"
#include "store/tool.h"

/* The columns of a row that name the role that it is bound to. */
typedef struct RoleColumns
{
	AttrNumber name;
	AttrNumber oid;
	AttrNumber system;
	AttrNumber database;
} RoleColumns;

/*
 * Whether the audit rows of a setting have a column: all but what never changes, and
 * by whom and when it was changed, which the audit row itself says.
 */
bool
setting_is_recorded(StoreTable table, AttrNumber column)
{
	switch (table)
	{
		case STORE_ACTOR:
			return column != ACTOR_REGISTERED_AT && column != ACTOR_CHANGED_BY;
		case STORE_TOOL:
			return column != TOOL_REGISTERED_AT && column != TOOL_CHANGED_BY;
		default:
			Assert(table == STORE_POLICY);
			return column <= POLICY_PROTECTED;
	}
}

/* Add the columns of a new row that are not null. */
static void
add_setting(JsonObject *object, StoreTable table, const StoredRow *row)
{
	for (int column = 1; column <= store_table_columns(table); column++)
		if (setting_is_recorded(table, column) && !column_is_null(row, column))
			record_add_column(object, row, column);
}

/* {"from": ..., "to": ...} of the columns that differ. */
static void
add_difference(JsonObject *object, StoreTable table, const StoredRow *old, const StoredRow *new)
{
	JsonObject from;
	JsonObject to;

	json_object_begin(&from);
	json_object_begin(&to);
	for (int column = 1; column <= store_table_columns(table); column++)
	{
		if (!setting_is_recorded(table, column) || column_is_same(old, new, column))
			continue;
		record_add_column(&from, old, column);
		record_add_column(&to, new, column);
	}
	json_add_jsonb(object, "from", json_object_end(&from));
	json_add_jsonb(object, "to", json_object_end(&to));
}

/* Whether a role's name is all that changes, which is nobody's action. */
static bool
is_renamed(const StoredRow *old, const StoredRow *new, const RoleColumns *role)
{
	return !column_is_same(old, new, role->name) && column_is_same(old, new, role->oid) &&
		   column_is_same(old, new, role->system) && column_is_same(old, new, role->database);
}

void
record_actor(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	static const RoleColumns role = {ACTOR_DB_ROLE, ACTOR_DB_ROLE_OID, ACTOR_HOME_SYSTEM,
									 ACTOR_HOME_DATABASE};

	entry->action = old == NULL ? "register_actor" : "update_actor";
	if (old != NULL && is_renamed(old, new, &role))
		entry->action = "follow_renamed_role";
	else
		entry->actor_id = column_int64_or_null(new, ACTOR_CHANGED_BY);
	if (old == NULL)
		add_setting(details, STORE_ACTOR, new);
	else
	{
		json_add_int(details, "actor_id", column_int64(new, ACTOR_ACTOR_ID));
		json_add_text(details, "name", column_text(new, ACTOR_NAME));
		add_difference(details, STORE_ACTOR, old, new);
	}
}

void
record_tool(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	static const RoleColumns role = {TOOL_RUN_AS, TOOL_RUN_AS_OID, TOOL_HOME_SYSTEM,
									 TOOL_HOME_DATABASE};

	entry->action = "register_tool";
	entry->actor_id = column_int64_or_null(new, TOOL_CHANGED_BY);
	if (old == NULL)
		add_setting(details, STORE_TOOL, new);
	else
	{
		entry->action = column_bool(old, TOOL_ENABLED) == column_bool(new, TOOL_ENABLED)
							? "update_tool"
							: "set_tool_enabled";
		if (is_renamed(old, new, &role))
		{
			entry->action = "follow_renamed_role";
			entry->actor_id = NULL;
		}
		json_add_text(details, "tool", column_text(new, TOOL_TOOL));
		add_difference(details, STORE_TOOL, old, new);
	}
}

void
record_policy(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	entry->action = "set_policy";
	entry->actor_id = column_int64_or_null(new, POLICY_CHANGED_BY);
	if (old == NULL)
		add_setting(details, STORE_POLICY, new);
	else
		add_difference(details, STORE_POLICY, old, new);
}

void
record_freeze(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	entry->action = old == NULL ? "add_freeze" : "remove_freeze";
	entry->actor_id = column_int64_or_null(new, old == NULL ? FREEZE_ADDED_BY : FREEZE_REMOVED_BY);
	for (int column = FREEZE_FREEZE_ID; column <= FREEZE_TOOL; column++)
		record_add_column(details, new, column);
}

void
record_delegation(const StoredRow *old, const StoredRow *new, AuditEntry *entry,
				  JsonObject *details)
{
	entry->action = old == NULL ? "delegate_review" : "end_delegation";
	entry->actor_id = column_int64_or_null(new, old == NULL ? DELEGATION_DELEGATED_BY
															: DELEGATION_ENDED_BY);
	record_add_column(details, new, DELEGATION_DELEGATION_ID);
	record_add_column(details, new, DELEGATION_FROM_ACTOR);
	record_add_column(details, new, DELEGATION_TO_ACTOR);
	record_add_column(details, new, DELEGATION_ENDS_AT);
}

void
record_rule(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	entry->action = "add_approval_rule";
	entry->actor_id = column_int64_or_null(new, RULE_ADDED_BY);
	if (old != NULL)
	{
		entry->action = "remove_approval_rule";
		entry->actor_id = column_int64_or_null(new, RULE_REMOVED_BY);
	}
	record_add_columns(details, new, RULE_AGENTS);
}

void
record_standing(const StoredRow *old, const StoredRow *new, AuditEntry *entry, JsonObject *details)
{
	entry->action = "standing_approval";
	if (old != NULL)
	{
		entry->action = "end_standing_approval";
		entry->actor_id = column_int64_or_null(new, STANDING_ENDED_BY);
		record_add_column(details, new, STANDING_STANDING_ID);
		if (!column_is_null(new, STANDING_END_REASON))
			json_add_text(details, "reason", column_text(new, STANDING_END_REASON));
		return;
	}
	record_add_columns(details, new, STANDING_APPROVED_BY);
	record_add_column(details, new, STANDING_ENDS_AT);
}

void
record_anchor(pg_attribute_unused() const StoredRow *old, const StoredRow *new, AuditEntry *entry,
			  JsonObject *details)
{
	bytea *root = column_varlena(new, ANCHOR_ROOT);

	entry->action = "record_anchor";
	entry->actor_id = column_int64_or_null(new, ANCHOR_ACTOR_ID);
	record_add_column(details, new, ANCHOR_ANCHOR_ID);
	record_add_column(details, new, ANCHOR_ORIGIN);
	record_add_column(details, new, ANCHOR_SIZE);
	record_add_column(details, new, ANCHOR_KIND);
	json_add_text(details, "root", base64_text((uint8 *) VARDATA_ANY(root), SHA256_LENGTH));
	json_add_text(details, "proof_sha256",
				  sha256_hex(sha256_of_bytes(column_varlena(new, ANCHOR_PROOF))));
}
