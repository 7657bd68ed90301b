/*
 * merge_patch.c
 *		JSON Merge Patch, by the examples of RFC 7396, appendix A.
 *
 * Examples whose target or patch is no object are left out: the callers refuse
 * those, since such a patch would replace the params whole.
 */
#include "unit.h"

#include "model/merge_patch.h"

static void
patched(const char *target, const char *patch, const char *expected, const char *description)
{
	Jsonb *result = merge_patch(jsonb(target), jsonb(patch));

	is_jsonb(result, expected, description);
}

/* An object in objects, depth levels of them, with a value inside. */
static char *
nested(int depth, const char *value)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < depth; i++)
		appendStringInfoString(&text, "{\"a\":");
	appendStringInfoString(&text, value);
	for (int i = 0; i < depth; i++)
		appendStringInfoChar(&text, '}');
	return text.data;
}

UNIT_TEST(merge_patch)
{
	/* Appendix A, in its order. */
	patched("{\"a\": \"b\"}", "{\"a\": \"c\"}", "{\"a\": \"c\"}", "a member is replaced");
	patched("{\"a\": \"b\"}", "{\"b\": \"c\"}", "{\"a\": \"b\", \"b\": \"c\"}",
			"a member is added");
	patched("{\"a\": \"b\"}", "{\"a\": null}", "{}", "null removes a member");
	patched("{\"a\": \"b\", \"b\": \"c\"}", "{\"a\": null}", "{\"b\": \"c\"}",
			"null leaves the other members");
	patched("{\"a\": [\"b\"]}", "{\"a\": \"c\"}", "{\"a\": \"c\"}", "a value replaces an array");
	patched("{\"a\": \"c\"}", "{\"a\": [\"b\"]}", "{\"a\": [\"b\"]}", "an array replaces a value");
	patched("{\"a\": {\"b\": \"c\"}}", "{\"a\": {\"b\": \"d\", \"c\": null}}",
			"{\"a\": {\"b\": \"d\"}}", "objects are merged member by member");
	patched("{\"a\": [{\"b\": \"c\"}]}", "{\"a\": [1]}", "{\"a\": [1]}",
			"an array replaces an array whole");
	patched("{\"e\": null}", "{\"a\": 1}", "{\"e\": null, \"a\": 1}", "a null in the target stays");
	patched("{}", "{\"a\": {\"bb\": {\"ccc\": null}}}", "{\"a\": {\"bb\": {}}}",
			"nulls in a new object are left out, the object is not");

	/* What the appendix has no example for. */
	patched("{\"a\": 1}", "{}", "{\"a\": 1}", "the empty patch changes nothing");
	patched("{}", "{}", "{}", "the empty patch of the empty object is the empty object");
	patched("{}", "{\"a\": null}", "{}", "removing what is not there changes nothing");
	patched("{\"a\": \"b\"}", "{\"a\": {\"c\": 1}}", "{\"a\": {\"c\": 1}}",
			"an object replaces a value");
	patched("{\"a\": [1]}", "{\"a\": {\"c\": null}}", "{\"a\": {}}", "an object replaces an array");
	patched("{\"a\": {\"b\": 1}}", "{\"a\": 2}", "{\"a\": 2}", "a value replaces an object");
	patched("{\"a\": {\"b\": 1}}", "{\"a\": {}}", "{\"a\": {\"b\": 1}}",
			"an empty object in the patch changes nothing");
	patched("{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": null}}", "{\"a\": {}}",
			"removing the last member leaves an empty object");
	patched("{}", "{\"a\": [null, {\"b\": null}]}", "{\"a\": [null, {\"b\": null}]}",
			"nulls in an array are values");
	patched("{\"a\": 1, \"b\": 2, \"cc\": 3}", "{\"cc\": null, \"b\": true, \"d\": 1.50}",
			"{\"a\": 1, \"b\": true, \"d\": 1.50}", "members are told apart by their whole name");
	patched("{\"\": 1}", "{\"\": 2}", "{\"\": 2}", "a name may be empty");
	patched(nested(1000, "1"), nested(1000, "2"), nested(1000, "2"),
			"objects are merged a thousand levels deep");
}
