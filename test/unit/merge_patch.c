/*
 * merge_patch.c
 *		JSON Merge Patch, by examples of RFC 7396.
 */
#include "unit.h"

#include "model/merge_patch.h"

UNIT_TEST(merge_patch)
{
	is_jsonb(merge_patch(jsonb("{\"a\": \"b\"}"), jsonb("{\"a\": \"c\"}")), "{\"a\": \"c\"}",
			 "a member is replaced");
	is_jsonb(merge_patch(jsonb("{\"a\": \"b\"}"), jsonb("{\"b\": \"c\"}")),
			 "{\"a\": \"b\", \"b\": \"c\"}", "a member is added");
	is_jsonb(merge_patch(jsonb("{\"a\": \"b\"}"), jsonb("{\"a\": null}")), "{}",
			 "null removes a member");
}
