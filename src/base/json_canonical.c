/*
 * json_canonical.c
 *	  The text of JSON that does not depend on the encoding of the database.
 *
 * jsonb orders the keys of an object by the number of their bytes, and then by
 * the bytes, in the encoding of the database.  What is hashed and kept has them in
 * the order of a database of UTF8, wherever it is computed.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/json_canonical.h"
#include "base/utf8.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

/* A member of an object, with its key as UTF-8. */
typedef struct Member
{
	JsonbValue key;
	JsonbValue value;
	const char *utf8;
	Size length;
} Member;

static void append_json_value(StringInfo text, JsonbValue *value);

static int
compare_utf8_keys(const void *a, const void *b)
{
	const Member *left = a;
	const Member *right = b;

	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->utf8, right->utf8, left->length);
}

static void
append_json_key(StringInfo text, const JsonbValue *key)
{
	escape_json(text, pnstrdup(key->val.string.val, key->val.string.len));
	appendStringInfoString(text, ": ");
}

static void
append_json_object(StringInfo text, JsonbContainer *object)
{
	int count = 0;
	Member *members = palloc(sizeof(Member) * Max(JsonContainerSize(object), 1));
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			Member *member = &members[count];

			member->key = value;
			member->length = value.val.string.len;
			member->utf8 = utf8_of_text(value.val.string.val, &member->length);
		}
		else if (token == WJB_VALUE)
			members[count++].value = value;
	}
	qsort(members, count, sizeof(Member), compare_utf8_keys);

	appendStringInfoChar(text, '{');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoString(text, ", ");
		append_json_key(text, &members[i].key);
		append_json_value(text, &members[i].value);
	}
	appendStringInfoChar(text, '}');
}

static void
append_json_array(StringInfo text, JsonbContainer *array)
{
	appendStringInfoChar(text, '[');
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		if (i > 0)
			appendStringInfoString(text, ", ");
		append_json_value(text, getIthJsonbValueFromContainer(array, i));
	}
	appendStringInfoChar(text, ']');
}

static void
append_json_value(StringInfo text, JsonbValue *value)
{
	check_stack_depth();
	if (value->type != jbvBinary)
		appendStringInfoString(text, json_text(JsonbValueToJsonb(value)));
	else if (JsonContainerIsObject(value->val.binary.data))
		append_json_object(text, value->val.binary.data);
	else
		append_json_array(text, value->val.binary.data);
}

/* The text of a jsonb, with its keys in the order that they have in a database of UTF8. */
char *
json_canonical_text(Jsonb *value)
{
	StringInfoData text;

	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII ||
		JB_ROOT_IS_SCALAR(value))
		return json_text(value);
	initStringInfo(&text);
	if (JB_ROOT_IS_OBJECT(value))
		append_json_object(&text, &value->root);
	else
		append_json_array(&text, &value->root);
	return text.data;
}
