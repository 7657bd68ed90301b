/*
 * double_loss.c
 *		Numbers that differ by no more than a double would lose.
 */
#include "unit.h"

#include "model/double_loss.h"

static void
loses(const char *before, const char *after, const char *expected, const char *description)
{
	is_text(double_losses(jsonb(before), jsonb(after), 2), expected, description);
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
}
