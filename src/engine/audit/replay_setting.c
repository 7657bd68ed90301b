/*
 * replay_setting.c
 *	  What the audit log says that actors, tools and the policy must be.
 *
 * These rows change in place, so no leaf commits to them.  Their audit rows have
 * what each column became, and give the row when they are gone through in the
 * order of the log.  What a redaction has taken from an audit row is not known,
 * and not compared.
 *
 * Keeps one object in memory for each of these rows, and none for the log's.
 */
#include "postgres.h"

#include "access/table.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/subtransaction.h"
#include "catalog/pg_type.h"
#include "engine/audit/leaf.h"
#include "engine/audit/identity.h"
#include "engine/audit/record_row.h"
#include "engine/audit/replay.h"
#include "engine/audit/replay_setting.h"
#include "engine/audit/setting.h"
#include "miscadmin.h"
#include "model/built_in.h"
#include "store/actor.h"
#include "store/audit_log.h"
#include "store/policy.h"
#include "store/redaction.h"
#include "store/tool.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/* The tables, and the columns that audit rows have apart from the details. */
typedef struct SettingTable
{
	StoreTable table;
	const char *created; /* the action that makes a row; else it has "from" and "to" */
	const char *key;     /* the member that names the row; NULL: there is one row */
	AttrNumber changed_by;
	AttrNumber time; /* about that of the first audit row, or of the last one */
	bool time_of_last;
} SettingTable;

enum
{
	SETTING_ACTOR,
	SETTING_TOOL,
	SETTING_POLICY,
	SETTING_TABLES
};

static const SettingTable setting_tables[SETTING_TABLES] = {
	{STORE_ACTOR, "register_actor", "actor_id", ACTOR_CHANGED_BY, ACTOR_REGISTERED_AT, false},
	{STORE_TOOL, "register_tool", "tool", TOOL_CHANGED_BY, TOOL_REGISTERED_AT, false},
	{STORE_POLICY, NULL, NULL, POLICY_CHANGED_BY, POLICY_CHANGED_AT, true},
};

/* How a row is known: its table, and the SHA-256 of its key as text, which may be long. */
typedef struct SettingKey
{
	uint8 sha256[SHA256_LENGTH];
	uint32 table;
} SettingKey;

/* A row as the log has made it so far. */
typedef struct Setting
{
	SettingKey key; /* must be first: dynahash finds it there */
	const SettingTable *table;
	char *name;
	Jsonb *columns; /* that are not null, by name */
	uint64 unknown; /* columns that a redaction has taken, a bit each */
	int64 audit_id; /* of the last row that has changed it */
	TimestampTz time;
	bool has_changer;
	int64 changed_by;
	bool by_authority; /* changed_by may be null: a built-in tool has made the change */
	bool is_made;      /* by a row of the log */
	bool is_there;
} Setting;

/* One comparison, which may meet values that no code has written. */
typedef struct SettingCheck
{
	SettingReplay *replay;
	const Findings *findings;
	const SettingTable *table;
	const StoredRow *row;
} SettingCheck;

void
setting_replay_begin(SettingReplay *replay)
{
	HASHCTL info = {.keysize = sizeof(SettingKey), .entrysize = sizeof(Setting)};

	replay->memory = AllocSetContextCreate(CurrentMemoryContext, "settings by the audit log",
										   ALLOCSET_DEFAULT_SIZES);
	info.hcxt = replay->memory;
	replay->settings = hash_create("settings by the audit log", 128, &info,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static SettingKey
setting_key(const SettingTable *table, const char *name)
{
	SettingKey key;

	memset(&key, 0, sizeof(key));
	memcpy(key.sha256, VARDATA(sha256_of_text(name)), SHA256_LENGTH);
	key.table = table->table;
	return key;
}

/* Which table a row of the log is about, and the name of its row there; NULL: none. */
static const SettingTable *
setting_of(const char *action, Jsonb *details, char **name)
{
	bool follows = strcmp(action, "follow_renamed_role") == 0;
	const SettingTable *table = NULL;
	JsonbValue *key;

	if (strcmp(action, "set_policy") == 0)
		table = &setting_tables[SETTING_POLICY];
	else if (strcmp(action, "register_actor") == 0 || strcmp(action, "update_actor") == 0 ||
			 (follows && json_find(details, "actor_id") != NULL))
		table = &setting_tables[SETTING_ACTOR];
	else if (strcmp(action, "register_tool") == 0 || strcmp(action, "update_tool") == 0 ||
			 strcmp(action, "set_tool_enabled") == 0 || follows)
		table = &setting_tables[SETTING_TOOL];
	if (table == NULL)
		return NULL;
	*name = "";
	if (table->key == NULL)
		return table;
	key = json_find(details, table->key);
	if (key == NULL || (key->type != jbvString && key->type != jbvNumeric))
		return NULL;
	*name = key->type == jbvString
				? pnstrdup(key->val.string.val, key->val.string.len)
				: DatumGetCString(DirectFunctionCall1(numeric_out,
													  NumericGetDatum(key->val.numeric)));
	return table;
}

/* Whether a redaction has taken what was said from a row of the log. */
static bool
is_redacted(int64 audit_id)
{
	Redaction redactions[LEAF_GROUPS];
	int count = redaction_list(audit_id, redactions);

	for (int i = 0; i < count; i++)
		if (redactions[i].group == GROUP_WHAT)
			return true;
	return false;
}

/* Whether the redaction of an actor changes a column, of its row and in its audit rows. */
static bool
is_identifying(StoreTable table, AttrNumber column)
{
	const StoreIdentifying *identifying = store_table_info(table)->identifying;

	for (; identifying != NULL && identifying->column != 0; identifying++)
		if (identifying->column == column)
			return true;
	return false;
}

/* Note which columns of a redacted row of the log are not known, or are known again. */
static void
note_unknown(Setting *setting, const char *action, Jsonb *columns, bool redacted)
{
	StoreTable table = setting->table->table;
	Relation rel = store_open(table, AccessShareLock);

	for (int column = 1; column <= store_table_columns(table); column++)
	{
		const char *name = NameStr(TupleDescAttr(RelationGetDescr(rel), column - 1)->attname);

		bool is_there = json_find(columns, name) != NULL;
		bool may_be_gone = !is_there &&
						   !leaf_member_is_fact(action, name, (int) strlen(name), true);

		if (redacted && (is_identifying(table, column) || may_be_gone))
			setting->unknown |= UINT64CONST(1) << column;
		else if (is_there)
			setting->unknown &= ~(UINT64CONST(1) << column);
	}
	table_close(rel, NoLock);
}

/* The columns that a row of the log gives a new value, as an object. */
static Jsonb *
columns_of(const SettingTable *table, const char *action, Jsonb *details)
{
	JsonbValue *to = json_find(details, "to");

	if ((table->created != NULL && strcmp(action, table->created) == 0) || to == NULL)
		return details;
	return JsonbValueToJsonb(to);
}

/* Find a row, or begin with one that has no column yet. */
static Setting *
setting_enter(SettingReplay *replay, const SettingTable *table, const char *name,
			  TimestampTz occurred_at)
{
	SettingKey key = setting_key(table, name);
	bool found;
	Setting *setting = hash_search(replay->settings, &key, HASH_ENTER, &found);

	if (!found)
	{
		memset((char *) setting + sizeof(SettingKey), 0, sizeof(Setting) - sizeof(SettingKey));
		setting->table = table;
		setting->name = MemoryContextStrdup(replay->memory, name);
	}
	if (!found || table->time_of_last)
		setting->time = occurred_at;
	return setting;
}

/* Give a row the columns that an object has, in the memory of the replay. */
static void
setting_change(SettingReplay *replay, Setting *setting, Jsonb *columns)
{
	Jsonb *before = setting->columns;
	MemoryContext old;

	if (before != NULL)
		columns = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(before),
													 JsonbPGetDatum(columns)));
	old = MemoryContextSwitchTo(replay->memory);
	setting->columns = json_copy(columns);
	MemoryContextSwitchTo(old);
	if (before != NULL)
		pfree(before);
}

/* Take over what one row of the log has changed; most are about no setting. */
void
setting_replay_row(SettingReplay *replay, const StoredRow *row)
{
	const SettingTable *table;
	Setting *setting;
	Jsonb *details;
	Jsonb *columns;
	char *action;
	char *name;

	if (!column_is_null(row, AUDIT_WORKFLOW_ID) || column_is_null(row, AUDIT_ACTION) ||
		column_is_null(row, AUDIT_DETAILS))
		return;
	action = column_text(row, AUDIT_ACTION);
	details = column_varlena(row, AUDIT_DETAILS);
	table = setting_of(action, details, &name);
	if (table == NULL)
		return;
	setting = setting_enter(replay, table, name, column_int64(row, AUDIT_OCCURRED_AT));
	setting->audit_id = column_int64(row, AUDIT_AUDIT_ID);
	columns = columns_of(table, action, details);
	setting->is_made |= columns == details;
	if (JB_ROOT_IS_OBJECT(columns))
	{
		setting_change(replay, setting, columns);
		note_unknown(setting, action, columns, is_redacted(setting->audit_id));
	}
	if (strcmp(action, "follow_renamed_role") == 0)
		return;
	setting->has_changer = !column_is_null(row, AUDIT_ACTOR_ID);
	if (setting->has_changer)
		setting->changed_by = column_int64(row, AUDIT_ACTOR_ID);
	setting->by_authority = json_find(details, "authority") != NULL;
}

/* Whether a column has the value that a member says; an interval may be in any style. */
static bool
column_is_member(const StoredRow *row, AttrNumber column, JsonbValue *member)
{
	JsonObject object;
	const char *name = NameStr(TupleDescAttr(row->desc, column - 1)->attname);
	JsonbValue *value;

	if (member == NULL || member->type == jbvNull)
		return column_is_null(row, column);
	if (column_is_null(row, column))
		return false;
	if (TupleDescAttr(row->desc, column - 1)->atttypid == INTERVALOID && member->type == jbvString)
	{
		char *text = pnstrdup(member->val.string.val, member->val.string.len);
		Interval *is = column_interval(row, column);
		Interval *said = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
															   ObjectIdGetDatum(InvalidOid),
															   Int32GetDatum(-1)));

		return is->time == said->time && is->day == said->day && is->month == said->month;
	}
	json_object_begin(&object);
	record_add_column(&object, row, column);
	value = json_find(json_object_end(&object), name);
	return json_equal(JsonbValueToJsonb(value), JsonbValueToJsonb(member));
}

static void
report_setting(const SettingCheck *check, const Setting *setting, AttrNumber column)
{
	const char *row = setting->table->key != NULL ? psprintf(" %s", setting->name) : "";

	finding_add(check->findings, NULL, NULL, &setting->audit_id,
				psprintf("column \"%s\" of %s%s is not what audit row " INT64_FORMAT " says",
						 NameStr(TupleDescAttr(check->row->desc, column - 1)->attname),
						 store_table_name(setting->table->table), row, setting->audit_id));
}

static bool
is_changed_by(const StoredRow *row, const Setting *setting)
{
	const int64 *changed_by = column_int64_or_null(row, setting->table->changed_by);

	return replay_is_same_id(changed_by, setting->has_changer ? &setting->changed_by : NULL) ||
		   (changed_by == NULL && setting->by_authority);
}

/* Whether nothing is known of a column: a redaction took it, or the row was not made by the calls. */
static bool
setting_is_unknown(const Setting *setting, AttrNumber column, JsonbValue *member)
{
	return (setting->unknown & (UINT64CONST(1) << column)) != 0 ||
		   (!setting->is_made && member == NULL);
}

/* A search for a redaction of an actor after an audit row. */
typedef struct RedactionSearch
{
	int64 audit_id;
	bool found;
} RedactionSearch;

static void
note_redaction(void *arg, const Redaction *redaction)
{
	RedactionSearch *search = arg;

	search->found |= redaction->trail > search->audit_id;
}

/* Whether a setting is that of an actor who has been redacted since it was changed last. */
static bool
is_redacted_since(const SettingCheck *check, const Setting *setting)
{
	RedactedObjectId object = {REDACTED_ACTOR, column_int64(check->row, ACTOR_ACTOR_ID)};
	RedactionSearch search = {.audit_id = setting->audit_id};

	redaction_each_of(&object, note_redaction, &search);
	return search.found;
}

/* Whether a column that no audit row says any more has what a redaction may have made of it. */
static bool
is_as_redacted(const SettingCheck *check, const Setting *setting, AttrNumber column)
{
	if (check->table->table != STORE_ACTOR || !is_identifying(STORE_ACTOR, column) ||
		!is_redacted_since(check, setting))
		return true;
	if (column == ACTOR_NAME)
		return strcmp(column_some_text(check->row, column),
					  actor_redacted_name(column_int64(check->row, ACTOR_ACTOR_ID))) == 0;
	return column_is_null(check->row, column) ||
		   (column == ACTOR_PERSON && person_is_token(column_text(check->row, column)));
}

/* Compare a row with what the log has made of it; an actor that nothing has made is told.c's. */
static void
compare_with_log(const SettingCheck *check, const Setting *setting)
{
	const SettingTable *table = check->table;

	for (int column = 1; column <= store_table_columns(table->table); column++)
	{
		const char *name = NameStr(TupleDescAttr(check->row->desc, column - 1)->attname);
		bool is_right = true;

		if (column == table->changed_by)
			is_right = is_changed_by(check->row, setting);
		else if (column == table->time)
			is_right = !setting->is_made ||
					   (!column_is_null(check->row, column) &&
						replay_is_near(column_int64(check->row, column), setting->time));
		else if (setting_is_recorded(table->table, column))
		{
			JsonbValue *member = json_find(setting->columns, name);

			is_right = setting_is_unknown(setting, column, member)
						   ? is_as_redacted(check, setting, column)
						   : column_is_member(check->row, column, member);
		}
		if (!is_right)
			report_setting(check, setting, column);
	}
}

/* What each built-in tool has; an administrator cannot change any of it. */
static const char *const built_in_columns =
	"{\"enabled\": true, \"in_session\": true, \"preview\": false, \"dry_run_mode\": \"describe\", "
	"\"max_attempts\": 1, \"rerun\": true, \"preview_rows\": 0, \"group_size\": 1, "
	"\"search_path\": \"pg_catalog, pg_temp\", \"built_in\": true}";

/* Whether the function of a built-in tool is the call that the tool is named after. */
static bool
is_call_of(const char *function, const char *tool)
{
	return function != NULL && strncmp(function, tool, strlen(tool)) == 0 &&
		   function[strlen(tool)] == '(';
}

/* Compare the row of a built-in tool with what the extension brings. */
static void
compare_built_in(const SettingCheck *check, const char *tool)
{
	Jsonb *expected = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														 CStringGetDatum(built_in_columns)));

	for (int column = TOOL_ENABLED; column <= TOOL_COLUMNS; column++)
	{
		const char *name = NameStr(TupleDescAttr(check->row->desc, column - 1)->attname);
		bool is_right = true;

		if (column == TOOL_FUNCTION)
			is_right = is_call_of(column_text(check->row, column), tool);
		else if (setting_is_recorded(STORE_TOOL, column) && column != TOOL_DESCRIPTION)
			is_right = column_is_member(check->row, column, json_find(expected, name));
		if (!is_right)
			finding_add(check->findings, NULL, NULL, NULL,
						psprintf("column \"%s\" of tool %s is not what the extension brings", name,
								 tool));
	}
}

static char *
name_in(const SettingTable *table, const StoredRow *row)
{
	if (table->table == STORE_POLICY)
		return column_bool(row, POLICY_SINGLETON) ? "" : "beside the only row";
	return table->table == STORE_TOOL ? column_some_text(row, 1)
									  : psprintf(INT64_FORMAT, column_int64(row, 1));
}

static void
compare_setting(void *arg)
{
	const SettingCheck *check = arg;
	char *name = name_in(check->table, check->row);
	SettingKey key = setting_key(check->table, name);
	Setting *setting = hash_search(check->replay->settings, &key, HASH_FIND, NULL);

	if (check->table->table == STORE_TOOL && built_in_is(name))
	{
		compare_built_in(check, name);
		return;
	}
	if (setting != NULL)
	{
		setting->is_there = true;
		compare_with_log(check, setting);
	}
	if ((setting == NULL || !setting->is_made) && check->table->table != STORE_ACTOR)
		finding_add(check->findings, NULL, NULL, NULL,
					psprintf("no audit row tells of %s%s%s", store_table_name(check->table->table),
							 *name != '\0' ? " " : "", name));
}

/* Compare the rows of a table; one that cannot be compared keeps no other back. */
static void
compare_table(SettingCheck *check)
{
	StoreScan scan;

	store_scan_begin(&scan, check->table->table, NULL, 0, NULL);
	while ((check->row = store_scan_next(&scan)) != NULL)
	{
		ErrorData *error = subtransaction_try(compare_setting, check);

		CHECK_FOR_INTERRUPTS();
		if (error == NULL)
			continue;
		if (!finding_is_of_row(error))
			ReThrowError(error);
		finding_add(check->findings, NULL, NULL, NULL,
					psprintf("a row of %s cannot be compared: %s",
							 store_table_name(check->table->table), error->message));
	}
	store_scan_end(&scan);
}

/*
 * Report where actors, tools and the policy are not what the log has made them.
 * The caller reads as of the time as of which it has read the log.
 */
void
setting_replay_compare(SettingReplay *replay, const Findings *findings)
{
	HASH_SEQ_STATUS status;
	Setting *setting;

	for (int i = 0; i < SETTING_TABLES; i++)
	{
		SettingCheck check = {.replay = replay, .findings = findings, .table = &setting_tables[i]};

		compare_table(&check);
	}
	hash_seq_init(&status, replay->settings);
	while ((setting = hash_seq_search(&status)) != NULL)
		if (!setting->is_there)
			finding_add(findings, NULL, NULL, &setting->audit_id,
						psprintf("%s%s%s, of which audit row " INT64_FORMAT " tells, is missing",
								 store_table_name(setting->table->table),
								 *setting->name != '\0' ? " " : "", setting->name,
								 setting->audit_id));
	MemoryContextDelete(replay->memory);
}
