/*
 * condition.c
 *		Whether the condition of a rule holds.
 */
#include "unit.h"

#include "model/condition.h"
#include "utils/fmgrprotos.h"

static JsonPath *
path(const char *literal)
{
	return DatumGetJsonPathP(DirectFunctionCall1(jsonpath_in, CStringGetDatum(literal)));
}

static const char *
evaluate(const char *literal, const char *document)
{
	static const char *const names[] = {"false", "true", "unknown"};
	Condition condition = condition_prepare(literal != NULL ? condition_strict(path(literal))
															: NULL);

	return names[condition_evaluate(&condition, jsonb(document))];
}

static const struct
{
	const char *path;
	const char *document;
	const char *expected;
} cases[] = {
	{"$.a > 10", "{\"a\": 11}", "true"},
	{"$.a > 10", "{\"a\": 10}", "false"},
	{"$.a > 10", "{}", "unknown"},
	{"lax $.a > 10", "{}", "unknown"},
	{"$.a > 10", "{\"a\": \"11\"}", "unknown"},
	{"$.a > 10", "{\"a\": null}", "false"},
	{"!($.a <= 10)", "{\"a\": null}", "true"},
	{"!($.a <= 10)", "{\"a\": 10}", "false"},
	{"!($.a <= 10)", "{\"a\": \"9\"}", "unknown"},
	{"$.a > 10", "{\"a\": [1, 2]}", "unknown"},
	{"$.a > 10", "[]", "unknown"},
	{"$.a == \"x\" || $.b == 1", "{\"a\": \"x\"}", "true"},
	{"$.a == \"x\" && $.b == 1", "{\"a\": \"y\"}", "false"},
	{"!($.a == 1)", "{\"a\": 1}", "false"},
	{"!($.a == 1)", "{}", "unknown"},
	{"($.a == 1) is unknown", "{}", "true"},
	{"exists($.a)", "{\"a\": null}", "true"},
	{"exists($.a)", "{}", "unknown"},
	{"$.a[*] == 3", "{\"a\": [1, 2]}", "false"},
	{"$.a[*] == 2", "{\"a\": [1, 2]}", "true"},
	{"$.a[*] == 2", "{\"a\": 2}", "unknown"},
	{"$.a like_regex \"^x\"", "{\"a\": \"xy\"}", "true"},
	{"$.a like_regex \"^x\"", "{\"a\": \"yx\"}", "false"},
	{"$.a.datetime() > \"2020-01-01\".datetime()", "{\"a\": \"2021-01-01\"}", "true"},
	{"$.a.datetime() > \"2020-01-01\".datetime()", "{\"a\": \"soon\"}", "unknown"},
	{"$.a.datetime() > \"2020-01-01 10:00:00+02\".datetime()", "{\"a\": \"2021-01-01\"}",
	 "unknown"},
	{"$.a.datetime() > \"2020-01-01\".datetime()", "{\"a\": \"2021-01-01 10:00:00+02\"}",
	 "unknown"},
	{"$.a.datetime() > \"10:00\".datetime()", "{\"a\": \"10:00:00+02\"}", "unknown"},
	{"$ ? (@.a.datetime() > \"2020-01-01 10:00:00+02\".datetime())", "{\"a\": \"2021-01-01\"}",
	 "unknown"},
	{"$.a / $.b > 1", "{\"a\": 1, \"b\": 0}", "unknown"},

	/* A path that is no predicate is judged by what it gives. */
	{"$.a", "{\"a\": true}", "true"},
	{"$.a", "{\"a\": false}", "false"},
	{"$.a", "{\"a\": 1}", "unknown"},
	{"$.a", "{}", "unknown"},
	{"$.a[*]", "{\"a\": []}", "unknown"},
	{"$.a[*]", "{\"a\": [false, false]}", "unknown"},
	{"false", "{}", "false"},

	/* One that ends in a filter, by whether it gives something. */
	{"$ ? (@.a > 10)", "{\"a\": 11}", "true"},
	{"$ ? (@.a > 10)", "{\"a\": 10}", "false"},
	{"$ ? (@.a > 10)", "{}", "unknown"},
	{"$ ? (@.a > 10)", "{\"a\": \"11\"}", "unknown"},
	{"$.p ? (@.a > 10)", "{}", "unknown"},
	{"$.p[*] ? (@ > 10)", "{\"p\": [1, 2]}", "false"},
	{"$.p[*] ? (@ > 10)", "{\"p\": [1, \"2\"]}", "unknown"},
	{"$.p[*] ? (@ > 10)", "{\"p\": [11, \"2\"]}", "true"},
	{"$.p[*] ? (@ > 10)", "{\"p\": []}", "false"},
	{"$.a ? (@ == false)", "{\"a\": false}", "true"},
	{"$ ? (@.a > 1) ? (@.b > 1)", "{\"a\": 2, \"b\": 2}", "true"},
	{"$ ? (@.a > 1) ? (@.b > 1)", "{\"a\": 2, \"b\": 1}", "false"},
	{"$ ? (@.a ? (@ > 1) > 2)", "{\"a\": 3}", "true"},
	{"$ ? (@.a == \"?(\" || @.\"k\\\"?(\" == 1)", "{\"a\": \"x\", \"k\\\"?(\": 2}", "false"},
	{"$ ? (@.a == \")\\\"\")", "{\"a\": \")\\\"\"}", "true"},
	{"$ ? (@.a == 1 || @.b == 1)", "{\"a\": 0, \"b\": 0}", "false"},
	{"$ ? (@.a == 1 && @.b == 1)", "{\"a\": 0}", "false"},
};

UNIT_TEST(condition)
{
	is_text(evaluate(NULL, "{}"), "true", "no condition holds always");
	for (int i = 0; i < (int) lengthof(cases); i++)
		is_text(evaluate(cases[i].path, cases[i].document), cases[i].expected,
				psprintf("%s of %s", cases[i].path, cases[i].document));

	ok(condition_has_variables(path("$.a > $b")), "a variable is found");
	ok(condition_has_variables(path("$ ? (@.a == $\"b\")")), "in a filter, too");
	ok(!condition_has_variables(path("$.\"$\\\"a\" > 1")), "a member whose name looks so is none");
	ok(!condition_has_variables(path("$.a == \"$\\\"b\\\"\"")), "nor is a string");
	ok(!condition_has_variables(path("$[0] > 1 && $ == 2")), "nor is the root");

	ok(condition_has_inner_filter(path("exists($.p ? (@.a > 1))")), "a filter in exists is inside");
	ok(condition_has_inner_filter(path("$.p ? (@.a > 1).b == 2")), "so is one within a path");
	ok(condition_has_inner_filter(path("$ ? (@.a > 1) ? (@.b > 1)")), "and one before another");
	ok(condition_has_inner_filter(path("$ ? (@.a ? (@ > 1) > 2)")), "and one within another");
	ok(!condition_has_inner_filter(path("$ ? (@.a > 1)")), "the last one is not");
	ok(!condition_has_inner_filter(path("$.a == \"? (\" || $.\"?(\" == 1")), "nor is a string");
}
