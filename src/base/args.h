/*
 * args.h
 *	  Reads the arguments of SQL-callable functions.
 *
 * A missing or malformed argument is reported as 22023 with the argument's
 * name.  Texts are palloc'd C strings in the current memory context.
 */
#ifndef WFO_BASE_ARGS_H
#define WFO_BASE_ARGS_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/jsonpath.h"
#include "utils/timestamp.h"

/* Longest text that is a key: well below what a btree entry can hold. */
#define KEY_TEXT_MAX 1024

/* Longest condition, in bytes as it is stored. */
#define CONDITION_MAX 8192

/* Longest accepted interval, in years: a longer one would overflow a timestamp. */
#define INTERVAL_MAX_YEARS 1000

extern bool text_is_blank(const char *text);
extern void arg_require(FunctionCallInfo fcinfo, int n, const char *name);
extern int64 arg_int64(FunctionCallInfo fcinfo, int n, const char *name);
extern bool arg_bool(FunctionCallInfo fcinfo, int n, const char *name);
extern TimestampTz arg_time(FunctionCallInfo fcinfo, int n, const char *name);
extern char *arg_text(FunctionCallInfo fcinfo, int n, const char *name);
extern char *arg_text_or_null(FunctionCallInfo fcinfo, int n, const char *name);
extern void arg_check_size(Size size, const char *name);
extern void arg_check_condition_size(const JsonPath *condition);
extern char *arg_key(FunctionCallInfo fcinfo, int n, const char *name);
extern char *arg_key_or_null(FunctionCallInfo fcinfo, int n, const char *name);
extern Interval *arg_interval_or_null(FunctionCallInfo fcinfo, int n, const char *name);
extern Jsonb *arg_jsonb_object(FunctionCallInfo fcinfo, int n, const char *name);
extern Jsonb *arg_document(FunctionCallInfo fcinfo, int n, const char *name);
extern JsonPath *arg_jsonpath_or_null(FunctionCallInfo fcinfo, int n, const char *name);
extern Oid arg_role(FunctionCallInfo fcinfo, int n, const char *name);
extern Oid arg_role_or_invalid(FunctionCallInfo fcinfo, int n, const char *name);

/* Optional arguments: a pointer to the value, or NULL. */
extern int64 *arg_int64_or_null(FunctionCallInfo fcinfo, int n);
extern bool *arg_bool_or_null(FunctionCallInfo fcinfo, int n);

#endif
