/*
 * json_args.h
 *	  Reads the members of a JSON object that stands for arguments.
 *
 * A member that is missing or null counts as not given.  A malformed member is
 * reported as 22023 with the position of the object and the member's name.
 */
#ifndef WFO_BASE_JSON_ARGS_H
#define WFO_BASE_JSON_ARGS_H

#include "postgres.h"

#include "utils/jsonb.h"

/* An object in an array that was given as an argument. */
typedef struct JsonArgs
{
	const char *argument; /* the array's name */
	const char *hint;     /* how an element looks, or NULL */
	int index;            /* from 0 */
	Jsonb *object;
} JsonArgs;

extern Jsonb **json_args_elements(const JsonArgs *args, Jsonb *array, int *count);
extern void json_args_check_keys(const JsonArgs *args, const char *const *keys);
extern int64 *json_args_int64_or_null(const JsonArgs *args, const char *key);
extern int64 json_args_int64(const JsonArgs *args, const char *key);
extern char *json_args_text_or_null(const JsonArgs *args, const char *key);
extern char *json_args_text(const JsonArgs *args, const char *key);
extern Jsonb *json_args_object_or_null(const JsonArgs *args, const char *key);

#endif
