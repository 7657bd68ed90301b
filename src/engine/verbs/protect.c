/*
 * protect.c
 *	  Whether a policy may be protected, and what it should be told of.
 *
 * Once the policy is protected, people approve each other's changes.  This file
 * owns the question whether there are enough of them and whether they have the time,
 * and the warning of people who may not be what they seem.
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/interval.h"
#include "base/json.h"
#include "engine/approval/administrators.h"
#include "engine/verbs/protect.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "model/built_in.h"
#include "store/actor.h"
#include "store/audit_log.h"
#include "store/rule.h"
#include "store/table.h"
#include "store/tool.h"
#include "utils/timestamp.h"

/* The shortest time to live of proposals and approvals under a protected policy, in ms. */
#define TTL_MIN INT64CONST(60000)

/* Refuse a time to live in which nobody could propose, approve and execute a longer one: 55000. */
static void
check_ttl(const char *setting, const Interval *ttl)
{
	int64 milliseconds = interval_milliseconds(ttl);

	if (milliseconds > 0 && milliseconds < TTL_MIN)
		report_wrong_state("wfo_lock_out",
						   errmsg("%s is too short for changes of a protected policy", setting),
						   errdetail("It is " INT64_FORMAT " ms.", milliseconds),
						   errhint("Specify 1 minute or more, or zero for no limit."));
}

/*
 * Refuse to protect a policy while a rule asks for more people, of whom one may
 * propose, than could approve calls of a built-in tool: 55000.
 */
void
protect_check_rules(void)
{
	ListCell *cell;

	foreach (cell, tool_list())
	{
		const char *tool = lfirst(cell);
		const RuleList *list = rule_list(tool);

		if (!built_in_is_administrative(tool))
			continue;
		for (int i = 0; i < list->count; i++)
		{
			const Rule *rule = &list->rules[i];
			int64 needed = rule->approvals + 1;

			if (rule->tool == NULL || administrators_reviewers(rule->role, needed) >= needed)
				continue;
			report_wrong_state(
				"wfo_lock_out",
				errmsg("too few people could give the approvals that rule " INT64_FORMAT
					   " asks for",
					   rule->rule_id),
				errdetail("Needed for calls of tool \"%s\": " INT64_FORMAT ".", tool, needed),
				errhint("Remove the rule with remove_approval_rule, or register actors "
						"of kind human that are bound to roles with LOGIN which hold "
						"review."));
		}
	}
}

/* Refuse a protected policy that nobody could change any more: 55000. */
void
protect_check(const Policy *policy)
{
	int64 needed = administrators_needed(policy);
	int64 there = administrators_count(needed);

	check_ttl("proposal_ttl", &policy->proposal_ttl);
	check_ttl("approval_ttl", &policy->approval_ttl);
	if (there < needed)
		report_wrong_state("wfo_lock_out",
						   errmsg("too few people could propose and approve changes of a protected "
								  "policy"),
						   errdetail("Needed: " INT64_FORMAT "; there: " INT64_FORMAT ".", needed,
									 there),
						   errhint("Register actors of kind human that are bound to roles with "
								   "LOGIN which hold propose, review and administer."));
	if (!administrators_can_execute())
		report_wrong_state("wfo_lock_out",
						   errmsg("nobody could execute changes of a protected policy"),
						   errhint("Grant the capability \"execute\" to a role with LOGIN that an "
								   "active actor is bound to."));
}

/* How many names a warning has. */
#define NEWCOMERS_MAX 20

/* How many rows of the audit log are read at once. */
#define GRANTS_PAGE 64

/* Add one of many names to the list of a warning. */
static void
add_newcomer(StringInfo names, int64 *count, const char *name)
{
	if ((*count)++ < NEWCOMERS_MAX)
		appendStringInfo(names, "%s%s", names->len > 0 ? ", " : "", name);
}

/* Name the actors that were registered since then. */
static void
list_new_actors(StringInfo names, int64 *count, TimestampTz since)
{
	ActorScan scan;
	const Actor *actor;

	actor_scan_begin(&scan, NULL);
	while ((actor = actor_scan_next(&scan)) != NULL)
		if (actor->active && actor->registered_at >= since)
			add_newcomer(names, count,
						 psprintf("actor " INT64_FORMAT " (\"%s\")", actor->actor_id, actor->name));
	actor_scan_end(&scan);
}

/* Name a grant by its role and capability. */
static void
add_grant(StringInfo names, int64 *count, Jsonb *details)
{
	JsonbValue *role = json_find(details, "db_role");
	JsonbValue *capability = json_find(details, "capability");

	if (role != NULL && capability != NULL)
		add_newcomer(names, count,
					 psprintf("\"%.*s\" to role \"%.*s\"", capability->val.string.len,
							  capability->val.string.val, role->val.string.len,
							  role->val.string.val));
}

/* Name the grants of capabilities since then. */
static void
list_new_grants(StringInfo names, int64 *count, TimestampTz since)
{
	StoredRow *rows[GRANTS_PAGE];
	int64 last = PG_INT64_MIN;
	int found;

	do
	{
		CHECK_FOR_INTERRUPTS();
		found = audit_read_page(NULL, last, GRANTS_PAGE, rows);
		for (int i = 0; i < found; i++)
		{
			last = column_int64(rows[i], AUDIT_AUDIT_ID);
			if (column_int64(rows[i], AUDIT_OCCURRED_AT) >= since &&
				strcmp(column_text(rows[i], AUDIT_ACTION), "grant_capability") == 0)
				add_grant(names, count, column_varlena(rows[i], AUDIT_DETAILS));
		}
	} while (found == GRANTS_PAGE);
}

/*
 * Warn of the actors and grants of the last 30 days: somebody alone may have made
 * them, to have them count as other people from now on.
 */
void
protect_warn(void)
{
	TimestampTz since = GetCurrentTimestamp() - 30 * USECS_PER_DAY;
	StringInfoData names;
	int64 count = 0;

	initStringInfo(&names);
	list_new_actors(&names, &count, since);
	list_new_grants(&names, &count, since);
	if (count == 0)
		return;
	if (count > NEWCOMERS_MAX)
		appendStringInfoString(&names, ", ...");
	ereport(WARNING,
			(errmsg("actors were registered or capabilities granted in the last 30 days"),
			 errdetail("There are " INT64_FORMAT ": %s.", count, names.data),
			 errhint("Have them looked at by somebody else: one person may have made them.")));
}
