/*
 * double_loss.c
 *		Numbers that differ by no more than a double would lose.
 */
#include "unit.h"

#include "lib/stringinfo.h"
#include "model/double_loss.h"
#include "utils/memutils.h"

static void
loses(const char *before, const char *after, const char *expected, const char *description)
{
	is_text(double_losses(jsonb(before), jsonb(after), 2), expected, description);
}

/* A document of so many objects in each other, with long names. */
static Jsonb *
nested(int depth, const char *number)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < depth; i++)
		appendStringInfo(&text, "{\"%0400d\": ", i);
	appendStringInfoString(&text, number);
	for (int i = 0; i < depth; i++)
		appendStringInfoChar(&text, '}');
	return jsonb(text.data);
}

static void
deep_documents_take_little(void)
{
	Jsonb *before = nested(1000, "9007199254740993");
	Jsonb *after = nested(1000, "9007199254740992");
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "deep documents",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	ok(double_losses(before, after, 2) != NULL, "a member is found at a great depth");
	ok(MemoryContextMemAllocated(context, true) < (Size) 1024 * 1024,
	   "without the paths of all members being kept");
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

UNIT_TEST(double_loss)
{
	loses("{\"id\": 9007199254740993}", "{\"id\": 9007199254740992}", "\"id\"",
		  "an integer beyond 2^53 that a double rounds is named");
	loses("{\"id\": 9007199254740993}", "{\"id\": 9007199254740993}", NULL,
		  "one that stays as it is, is not");
	loses("{\"id\": 9007199254740993}", "{\"id\": 9007199254740990}", NULL,
		  "one that is another double is not");
	loses("{\"id\": 9007199254740991}", "{\"id\": 9007199254740992}", NULL,
		  "integers up to 2^53 are told apart");
	loses("{\"n\": 12345678901234567890123}", "{\"n\": 1.2345678901234568e+22}", "\"n\"",
		  "a number that comes back with an exponent is named");
	loses("{\"n\": 0.12345678901234567891}", "{\"n\": 0.12345678901234568}", "\"n\"",
		  "a fraction that is rounded is named");
	loses("{\"n\": 1.50}", "{\"n\": 1.5}", NULL, "the same number in other digits is no change");
	loses("{\"n\": 1e400}", "{\"n\": 2e400}", NULL, "what no double can hold is not compared");
	loses("{\"n\": -9007199254740993}", "{\"n\": -9007199254740992}", "\"n\"",
		  "negative numbers are compared, too");
	loses("{\"n\": 9007199254740993}", "{\"n\": \"9007199254740992\"}", NULL,
		  "a number and a string are not compared");
	loses("{\"n\": 9007199254740993}", "{\"m\": 9007199254740992}", NULL,
		  "members of different names are not compared");
	loses("{\"a\": {\"b\": [1, {\"c\": 9007199254740993}]}}",
		  "{\"a\": {\"b\": [1, {\"c\": 9007199254740992}]}}", "\"a.b[1].c\"",
		  "members are found at any depth");
	loses("{\"a\": [[9007199254740993]]}", "{\"a\": [[9007199254740992], 2]}", "\"a[0][0]\"",
		  "elements of arrays are compared by their place");
	loses("{\"a\": [9007199254740993]}", "{\"a\": {\"0\": 9007199254740992}}", NULL,
		  "an array and an object are not compared");
	loses("{\"a\": [9007199254740993, 9007199254740993, 9007199254740993, 9007199254740993]}",
		  "{\"a\": [9007199254740992, 9007199254740992, 9007199254740992, 9007199254740992]}",
		  "\"a[0]\", \"a[1]\", ...", "no more are named than the limit");
	loses("{}", "{}", NULL, "empty objects have none");
	loses(psprintf("{\"%0300d\": 9007199254740993}", 0),
		  psprintf("{\"%0300d\": 9007199254740992}", 0), psprintf("\"%0200d\"...", 0),
		  "of a long path the beginning is said");
	deep_documents_take_little();
}
