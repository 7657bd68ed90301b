/*
 * condition_member.c
 *		Which members of a proposal a condition looks at.
 */
#include "unit.h"

#include "lib/stringinfo.h"
#include "model/condition_member.h"
#include "utils/fmgrprotos.h"

/* "first, ... : params, ..." of a condition, with a + if it looks at any first member. */
static const char *
members_of(const char *literal)
{
	ConditionMembers members;
	StringInfoData text;
	ListCell *cell;

	condition_find_members(DatumGetJsonPathP(DirectFunctionCall1(jsonpath_in,
																 CStringGetDatum(literal))),
						   &members);
	initStringInfo(&text);
	if (members.any_first)
		appendStringInfoString(&text, "+ ");
	foreach (cell, members.first)
		appendStringInfo(&text, "%s ", (char *) lfirst(cell));
	appendStringInfoString(&text, ":");
	foreach (cell, members.params)
		appendStringInfo(&text, " %s", (char *) lfirst(cell));
	return text.data;
}

static const struct
{
	const char *path;
	const char *expected;
} cases[] = {
	{"$.params.a > 10", "params : a"},
	{"strict $.params.a > 10", "params : a"},
	{"$.tool == \"x\"", "tool :"},
	{"$.\"tool\" == \"$.nothing\"", "tool :"},
	{"$.params.a > $.params.b && $.params.a > 1", "params : a b"},
	{"$.params.a.b.c == 1", "params : a"},
	{"$.actor.params.x == 1", "actor :"},
	{"$.amount > 10", "amount :"},
	{"$.params.tool == 1 || $.actor.role == \"x\"", "params actor : tool"},
	{"!($.reason starts with \"x\")", "reason :"},
	{"$.reason like_regex \"^x\"", "reason :"},
	{"($.reason == \"x\") is unknown", "reason :"},
	{"exists($.workflow.metadata.urgent)", "workflow :"},
	{"-$.params.a + +$.params.b * 2 - $.params.c / $.params.d % 2 > 1", "params : a b c d"},
	{"($.params.a + 1).abs() > 2", "params : a"},
	{"$.params.a.datetime(\"HH\") > \"1\".datetime()", "params : a"},
	{"$.params.a[$.params.i to last].x == 1", "params : a i"},
	{"$.params.a[*] ? (@.x == $.tool).y > 1", "params tool : a"},

	/* Filters: @ is what the filter is on. */
	{"$ ? (@.params.a > 1)", "params : a"},
	{"$ ? (@.amount > 1)", "amount :"},
	{"$.params ? (@.a > 1)", "params : a"},
	{"$.params ? (@.a > 1).b == 2", "params : a b"},
	{"$ ? (@.tool == \"x\").params ? (@.a > 1)", "tool params : a"},
	{"$.params.list ? (@.a ? (@.b > 1) == 2)", "params : list"},
	{"$ ? (exists(@.params ? (@.a > 1 && $.reason == \"r\")))", "params reason : a"},
	{"$.params ? (@ == 1)", "params :"},

	/* What names no member. */
	{"$ == 1", ":"},
	{"$", ":"},
	{"exists($)", ":"},
	{"1 == 1", ":"},
	{"$.size() > 1", ":"},
	{"$[0].params == 1", ":"},
	{"$[*].params.x == 1", ":"},

	/* What could look at any. */
	{"$.* == 1", "+ :"},
	{"$.*.amount == 1", "+ :"},
	{"$.** == 1", "+ :"},
	{"$.**.amount > 1", "+ :"},
	{"$.**{2}[0].x == 1", "+ :"},
	{"$ ? (@.* == 1)", "+ :"},
	{"$.keyvalue().key == \"x\"", "+ :"},
	{"$.params.* == 1", "params :"},
	{"$.params.*.x == 1", "params :"},
	{"$.params.**.x == 1", "params :"},
	{"$.params.keyvalue().value == 1", "params :"},
	{"$.params[0].x == 1", "params :"},
};

UNIT_TEST(condition_member)
{
	for (int i = 0; i < (int) lengthof(cases); i++)
		is_text(members_of(cases[i].path), cases[i].expected,
				psprintf("the members that %s looks at", cases[i].path));
}
