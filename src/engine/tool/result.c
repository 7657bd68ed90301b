/*
 * result.c
 *	  The JSON in which a call's result is given back and stored.
 *
 * It owns the members of a result, of a preview and of an error in them, and
 * what of a result the audit log keeps.
 */
#include "postgres.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/json_canonical.h"
#include "engine/tool/result.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Number of bytes of each text of an error that are stored, since a text may quote anything. */
#define ERROR_TEXT_MAX 8192

static void
add_error_text(JsonObject *object, const char *key, const char *text)
{
	if (text != NULL)
		text = pnstrdup(text, pg_mbcliplen(text, strlen(text), ERROR_TEXT_MAX));
	json_add_text(object, key, text);
}

/*
 * Build the error of a result, with the reason if the error is one of ours.  A
 * constraint that a tool violates also has a name in that field, which is not a
 * reason.
 */
Jsonb *
error_build(const ErrorData *error)
{
	const char *reason = error->constraint_name;
	JsonObject object;

	json_object_begin(&object);
	json_add_text(&object, "sqlstate", unpack_sql_state(error->sqlerrcode));
	if (reason != NULL && error->schema_name == NULL && strncmp(reason, "wfo_", 4) == 0)
		json_add_text(&object, "reason", reason);
	add_error_text(&object, "message", error->message);
	add_error_text(&object, "detail", error->detail);
	add_error_text(&object, "hint", error->hint);
	add_error_text(&object, "context", error->context);
	return json_object_end(&object);
}

/* What a call returned, and how many rows it has changed; null: nobody knows. */
static void
add_output(JsonObject *object, const CallResult *result)
{
	json_add_jsonb(object, "output", result->output);
	if (result->rows.obstacle == ROWS_COUNTED)
		json_add_int(object, "rows_changed", result->rows.rows);
	else
		json_add_jsonb(object, "rows_changed", json_null());
}

/* What a call that was rolled back returned and had changed. */
static void
add_simulation(JsonObject *object, const CallResult *result)
{
	add_output(object, result);
	json_add_jsonb(object, "tables", result->changes.tables);
	json_add_bool(object, "catalogs_changed", result->changes.catalogs);
}

static void
add_duration(JsonObject *object, const CallResult *result)
{
	JsonbValue duration;

	duration.type = jbvNumeric;
	duration.val.numeric = int64_div_fast_to_numeric(result->finished_at - result->started_at, 3);
	json_add_value(object, "duration_ms", &duration);
}

/* The result of a call, as execute_action returns it. */
Jsonb *
result_build(const CallResult *result)
{
	JsonObject object;

	json_object_begin(&object);
	json_add_bool(&object, "success", result->error == NULL);
	json_add_bool(&object, "dry_run", result->dry_run);
	if (result->break_glass)
		json_add_bool(&object, "break_glass", true);
	if (result->may_have_happened)
		json_add_bool(&object, "may_have_happened", true);
	json_add_text(&object, "tool", result->tool);
	json_add_jsonb(&object, "params", result->params);
	if (result->error != NULL)
		json_add_jsonb(&object, "error", error_build(result->error));
	else if (result->dry_run)
	{
		json_add_text(&object, "message",
					  psprintf("[DRY RUN] Would execute %s with params: %s", result->tool,
							   json_text(result->params)));
		if (result->simulated)
			add_simulation(&object, result);
	}
	else
		add_output(&object, result);
	json_add_time(&object, "executed_at", result->started_at);
	add_duration(&object, result);
	return json_object_end(&object);
}

/* What a preview showed, as preview_action returns it. */
Jsonb *
preview_build(const CallResult *result, int64 preview_id, int64 proposal_id, int64 revision)
{
	JsonObject object;

	json_object_begin(&object);
	json_add_int(&object, "preview_id", preview_id);
	json_add_int(&object, "proposal_id", proposal_id);
	json_add_int(&object, "revision", revision);
	json_add_bool(&object, "success", result->error == NULL);
	json_add_text(&object, "tool", result->tool);
	json_add_jsonb(&object, "params", result->params);
	if (result->error != NULL)
		json_add_jsonb(&object, "error", error_build(result->error));
	else
		add_simulation(&object, result);
	json_add_time(&object, "previewed_at", result->started_at);
	add_duration(&object, result);
	return json_object_end(&object);
}

static void
copy_member(JsonObject *object, Jsonb *from, const char *key)
{
	JsonbValue *member = json_find(from, key);

	if (member != NULL)
		json_add_value(object, key, member);
}

/* Add the SHA-256 of a value's text, in hex. */
static void
add_hash(JsonObject *object, const char *key, JsonbValue *value)
{
	json_add_text(object, key,
				  sha256_hex(sha256_of_text(json_canonical_text(JsonbValueToJsonb(value)))));
}

/* The entry of a changed table as the audit log keeps it: the rows only as a hash. */
static Jsonb *
table_for_audit(Jsonb *table)
{
	JsonbValue *rows = json_find(table, "rows");
	JsonObject hash;

	if (rows == NULL)
		return table;
	json_object_begin(&hash);
	add_hash(&hash, "rows_sha256", rows);
	table = DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(table),
											   CStringGetTextDatum("rows")));
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(table),
											  JsonbPGetDatum(json_object_end(&hash))));
}

static void
add_tables_for_audit(JsonObject *object, Jsonb *result)
{
	JsonbValue *tables = json_find(result, "tables");
	JsonArray array;

	if (tables == NULL || tables->type != jbvBinary ||
		!JsonContainerIsArray(tables->val.binary.data))
	{
		copy_member(object, result, "tables");
		return;
	}
	json_array_begin(&array);
	for (uint32 i = 0; i < JsonContainerSize(tables->val.binary.data); i++)
		json_array_add(&array, table_for_audit(JsonbValueToJsonb(
								   getIthJsonbValueFromContainer(tables->val.binary.data, i))));
	json_add_jsonb(object, "tables", json_array_end(&array));
}

/* Add what the audit log keeps of a result: the output and changed rows only as hashes. */
void
result_add_for_audit(JsonObject *object, Jsonb *result)
{
	JsonbValue *output = json_find(result, "output");

	copy_member(object, result, "success");
	copy_member(object, result, "dry_run");
	copy_member(object, result, "break_glass");
	copy_member(object, result, "tool");
	copy_member(object, result, "error");
	copy_member(object, result, "rows_changed");
	copy_member(object, result, "may_have_happened");
	add_tables_for_audit(object, result);
	copy_member(object, result, "catalogs_changed");
	copy_member(object, result, "duration_ms");
	if (output != NULL)
		add_hash(object, "output_sha256", output);
}

/* What is left of a result when its values are redacted. */
Jsonb *
result_facts(Jsonb *result)
{
	static const char *const facts[] = {"success",           "dry_run",     "break_glass",
										"may_have_happened", "tool",        "rows_changed",
										"catalogs_changed",  "executed_at", "duration_ms"};
	JsonbValue *error = json_find(result, "error");
	JsonObject object;

	json_object_begin(&object);
	for (int i = 0; i < (int) lengthof(facts); i++)
		copy_member(&object, result, facts[i]);
	if (error != NULL && error->type == jbvBinary)
	{
		Jsonb *whole = JsonbValueToJsonb(error);
		JsonObject codes;

		json_object_begin(&codes);
		copy_member(&codes, whole, "sqlstate");
		copy_member(&codes, whole, "reason");
		json_add_jsonb(&object, "error", json_object_end(&codes));
	}
	json_add_bool(&object, RESULT_REDACTED, true);
	return json_object_end(&object);
}

/* {"tool": ..., "params": ...}, and "max_rows" if the call has a limit. */
Jsonb *
tool_call_build(const char *tool, Jsonb *params, const int64 *max_rows)
{
	JsonObject object;

	json_object_begin(&object);
	json_add_text(&object, "tool", tool);
	json_add_jsonb(&object, "params", params);
	if (max_rows != NULL)
		json_add_int(&object, "max_rows", *max_rows);
	return json_object_end(&object);
}
