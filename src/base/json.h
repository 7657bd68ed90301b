/*
 * json.h
 *	  Builds JSON objects, and converts between SQL values and jsonb by means
 *	  of the server's own functions.
 */
#ifndef WFO_BASE_JSON_H
#define WFO_BASE_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/timestamp.h"

typedef struct JsonObject
{
	JsonbParseState *state;
} JsonObject;

extern void json_object_begin(JsonObject *object);
extern void json_add_text(JsonObject *object, const char *key, const char *value);
extern void json_add_int(JsonObject *object, const char *key, int64 value);
extern void json_add_bool(JsonObject *object, const char *key, bool value);
extern void json_add_time(JsonObject *object, const char *key, TimestampTz value);
extern void json_add_jsonb(JsonObject *object, const char *key, Jsonb *value);
extern void json_add_value(JsonObject *object, const char *key, JsonbValue *value);
extern Jsonb *json_object_end(JsonObject *object);

typedef struct JsonArray
{
	JsonbParseState *state;
} JsonArray;

extern void json_array_begin(JsonArray *array);
extern void json_array_add(JsonArray *array, Jsonb *value);
extern void json_array_add_text(JsonArray *array, const char *value);
extern void json_array_add_int(JsonArray *array, int64 value);
extern Jsonb *json_array_end(JsonArray *array);

extern Jsonb *json_copy(const Jsonb *value);
extern char *json_text(Jsonb *value);
extern Jsonb *json_from_datum(Datum value, bool isnull, Oid type);
extern Jsonb *json_null(void);
extern Jsonb *json_empty_array(void);
extern Jsonb *json_string(const char *text);
extern JsonbValue *json_find(Jsonb *object, const char *key);

/* The members of an object, one after the other, in jsonb's order. */
typedef struct JsonMembers
{
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue value; /* may hold a container (jbvBinary) */
} JsonMembers;

extern void json_members_begin(JsonMembers *members, JsonbContainer *object);
extern bool json_members_next(JsonMembers *members);
extern bool json_value_int64(const JsonbValue *value, int64 *result);
extern bool json_equal(Jsonb *a, Jsonb *b);
extern Datum json_to_record_datum(Datum base, Jsonb *object);

#endif
