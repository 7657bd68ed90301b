/*
 * json.c
 *	  Builds JSON objects, and converts between SQL values and jsonb by means
 *	  of the server's own functions.
 *
 * Everything is allocated in the current memory context.
 */
#include "postgres.h"

#include "base/json.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

void
json_object_begin(JsonObject *object)
{
	object->state = NULL;
	pushJsonbValue(&object->state, WJB_BEGIN_OBJECT, NULL);
}

/* Add a member; value may hold a container (jbvBinary). */
void
json_add_value(JsonObject *object, const char *key, JsonbValue *value)
{
	JsonbValue name;

	name.type = jbvString;
	name.val.string.val = pstrdup(key);
	name.val.string.len = strlen(key);
	pushJsonbValue(&object->state, WJB_KEY, &name);
	pushJsonbValue(&object->state, WJB_VALUE, value);
}

/* Add a string, or a JSON null for NULL. */
void
json_add_text(JsonObject *object, const char *key, const char *value)
{
	JsonbValue member;

	if (value == NULL)
		member.type = jbvNull;
	else
	{
		member.type = jbvString;
		member.val.string.val = pstrdup(value);
		member.val.string.len = strlen(value);
	}
	json_add_value(object, key, &member);
}

void
json_add_int(JsonObject *object, const char *key, int64 value)
{
	JsonbValue member;

	member.type = jbvNumeric;
	member.val.numeric = int64_to_numeric(value);
	json_add_value(object, key, &member);
}

void
json_add_bool(JsonObject *object, const char *key, bool value)
{
	JsonbValue member;

	member.type = jbvBool;
	member.val.boolean = value;
	json_add_value(object, key, &member);
}

/* Add a time in UTC, in the form of ISO 8601. */
void
json_add_time(JsonObject *object, const char *key, TimestampTz value)
{
	char buffer[MAXDATELEN + 1];
	int utc = 0;

	JsonEncodeDateTime(buffer, TimestampTzGetDatum(value), TIMESTAMPTZOID, &utc);
	json_add_text(object, key, buffer);
}

/* Return a jsonb value as a member of another; a JSON null for NULL. */
static void
to_member(Jsonb *value, JsonbValue *member)
{
	if (value == NULL)
		member->type = jbvNull;
	else if (JB_ROOT_IS_SCALAR(value))
	{
		if (!JsonbExtractScalar(&value->root, member))
			elog(ERROR, "could not read a scalar jsonb");
	}
	else
	{
		member->type = jbvBinary;
		member->val.binary.data = &value->root;
		member->val.binary.len = VARSIZE(value) - VARHDRSZ;
	}
}

/* Add a jsonb value, or a JSON null for NULL. */
void
json_add_jsonb(JsonObject *object, const char *key, Jsonb *value)
{
	JsonbValue member;

	to_member(value, &member);
	json_add_value(object, key, &member);
}

Jsonb *
json_object_end(JsonObject *object)
{
	return JsonbValueToJsonb(pushJsonbValue(&object->state, WJB_END_OBJECT, NULL));
}

void
json_array_begin(JsonArray *array)
{
	array->state = NULL;
	pushJsonbValue(&array->state, WJB_BEGIN_ARRAY, NULL);
}

void
json_array_add(JsonArray *array, Jsonb *value)
{
	JsonbValue element;

	to_member(value, &element);
	pushJsonbValue(&array->state, WJB_ELEM, &element);
}

void
json_array_add_text(JsonArray *array, const char *value)
{
	JsonbValue element;

	element.type = jbvString;
	element.val.string.val = pstrdup(value);
	element.val.string.len = strlen(value);
	pushJsonbValue(&array->state, WJB_ELEM, &element);
}

void
json_array_add_int(JsonArray *array, int64 value)
{
	JsonbValue element;

	element.type = jbvNumeric;
	element.val.numeric = int64_to_numeric(value);
	pushJsonbValue(&array->state, WJB_ELEM, &element);
}

Jsonb *
json_array_end(JsonArray *array)
{
	return JsonbValueToJsonb(pushJsonbValue(&array->state, WJB_END_ARRAY, NULL));
}

Jsonb *
json_copy(const Jsonb *value)
{
	return memcpy(palloc(VARSIZE(value)), value, VARSIZE(value));
}

/* The text of a jsonb, as a cast to text gives it. */
char *
json_text(Jsonb *value)
{
	return JsonbToCString(NULL, &value->root, VARSIZE(value));
}

Jsonb *
json_null(void)
{
	JsonbValue null = {.type = jbvNull};

	return JsonbValueToJsonb(&null);
}

Jsonb *
json_string(const char *text)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = pstrdup(text);
	value.val.string.len = strlen(text);
	return JsonbValueToJsonb(&value);
}

/*
 * Call a function that depends on the declared type of its first argument,
 * which it takes from the expression in its FmgrInfo.
 */
static Datum
call_with_type(Oid function, Oid result, Oid type, int nargs, Datum first, Datum second)
{
	FmgrInfo flinfo;
	List *args = NIL;

	fmgr_info(function, &flinfo);
	args = lappend(args, makeConst(type, -1, InvalidOid, -1, (Datum) 0, true, false));
	if (nargs > 1)
		args = lappend(args, makeConst(JSONBOID, -1, InvalidOid, -1, (Datum) 0, true, false));
	fmgr_info_set_expr((Node *) makeFuncExpr(function, result, args, InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &flinfo);
	return nargs > 1 ? FunctionCall2(&flinfo, first, second) : FunctionCall1(&flinfo, first);
}

/* to_jsonb(value).  It may run output functions and casts of user-defined types. */
Jsonb *
json_from_datum(Datum value, bool isnull, Oid type)
{
	if (isnull)
		return json_null();
	return DatumGetJsonbP(call_with_type(F_TO_JSONB, JSONBOID, type, 1, value, (Datum) 0));
}

/*
 * jsonb_populate_record(base, object) for a base of type record, whose columns
 * say to which types to convert.  It may run input functions of user-defined
 * types.
 */
Datum
json_to_record_datum(Datum base, Jsonb *object)
{
	return call_with_type(F_JSONB_POPULATE_RECORD, RECORDOID, RECORDOID, 2, base,
						  JsonbPGetDatum(object));
}

/* Return a member of an object, or NULL if there is none or the value is NULL or no object. */
JsonbValue *
json_find(Jsonb *object, const char *key)
{
	if (object == NULL || !JB_ROOT_IS_OBJECT(object))
		return NULL;
	return getKeyJsonValueFromContainer(&object->root, key, strlen(key), NULL);
}

/* Begin to read members; a container that is no object has none. */
void
json_members_begin(JsonMembers *members, JsonbContainer *object)
{
	members->iterator = JsonbIteratorInit(object);
}

/* Read the next member.  Returns false after the last. */
bool
json_members_next(JsonMembers *members)
{
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&members->iterator, &members->key, true)) != WJB_DONE)
		if (token == WJB_KEY)
		{
			(void) JsonbIteratorNext(&members->iterator, &members->value, true);
			return true;
		}
	return false;
}

/* Read a number that is an int8.  Returns false if it is something else. */
bool
json_value_int64(const JsonbValue *value, int64 *result)
{
	const char *text;
	char *end;

	if (value->type != jbvNumeric)
		return false;
	text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	errno = 0;
	*result = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0';
}


bool
json_equal(Jsonb *a, Jsonb *b)
{
	return compareJsonbContainers(&a->root, &b->root) == 0;
}

Jsonb *
json_empty_array(void)
{
	JsonArray array;

	json_array_begin(&array);
	return json_array_end(&array);
}
