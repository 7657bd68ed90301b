/*
 * unit.h
 *		A small kit for unit tests of the pure rules.
 *
 * A file test/unit/NAME.c has one UNIT_TEST(NAME), with the assertions below in
 * it.  It is a function that SQL can call and that returns the assertions as
 * TAP.  The rules need memory contexts, jsonb and error reports of the backend,
 * so the tests run inside one; they see no table and no setting.
 */
#ifndef UNIT_H
#define UNIT_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

/* Defines the file's test: UNIT_TEST(merge_patch) { ok(...); } */
#define UNIT_TEST(name) \
	static void name##_tests(void); \
	PG_FUNCTION_INFO_V1(unit_##name); \
	Datum unit_##name(PG_FUNCTION_ARGS) \
	{ \
		(void) fcinfo; \
		return unit_run(name##_tests); \
	} \
	static void name##_tests(void)

extern Datum unit_run(void (*tests)(void));

/* The condition holds. */
extern void ok(bool condition, const char *description, ...) pg_attribute_printf(2, 3);

/* Both texts (NULL allowed), numbers or jsonb values are equal. */
extern void is_text(const char *got, const char *expected, const char *description);
extern void is_int(int64 got, int64 expected, const char *description);
extern void is_jsonb(Jsonb *got, const char *expected, const char *description);

/* Runs the block and asserts that it raises an error with that SQLSTATE. */
#define throws(sqlstate, description, ...) \
	do \
	{ \
		MemoryContext context_ = CurrentMemoryContext; \
		int code_ = 0; \
		PG_TRY(); \
		{ \
			__VA_ARGS__; \
		} \
		PG_CATCH(); \
		{ \
			code_ = unit_caught(context_); \
		} \
		PG_END_TRY(); \
		is_text(code_ ? unpack_sql_state(code_) : NULL, sqlstate, description); \
	} while (0)

extern int unit_caught(MemoryContext context);

/* Reads a jsonb literal. */
extern Jsonb *jsonb(const char *literal);

#endif
