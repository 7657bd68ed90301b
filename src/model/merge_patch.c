/*
 * merge_patch.c
 *	  JSON Merge Patch (RFC 7396) on jsonb values.
 *
 * It owns the patching of values, and knows nothing of params or proposals.
 *
 * The function follows the pseudo-code in section 2 of the RFC.  Recursion is
 * as deep as the patch, and bounded by max_stack_depth.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "model/merge_patch.h"

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

/* Walk the members of an object: returns false after the last. */
static bool
next_member(JsonbIterator **it, JsonbValue *key, JsonbValue *value)
{
	JsonbIteratorToken token = JsonbIteratorNext(it, key, true);

	if (token == WJB_BEGIN_OBJECT)
		token = JsonbIteratorNext(it, key, true);
	if (token != WJB_KEY)
		return false;
	(void) JsonbIteratorNext(it, value, true);
	return true;
}

/*
 * Push "target merged with patch" as the value of the key pushed last, or as
 * the root. target is NULL if there is none or it is not an object.
 */
static JsonbValue *
push_merged(JsonbParseState **state, JsonbContainer *target, JsonbContainer *patch)
{
	JsonbIterator *it;
	JsonbValue key;
	JsonbValue value;

	check_stack_depth();
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);

	/* Members of the target that the patch does not name. */
	if (target != NULL)
	{
		it = JsonbIteratorInit(target);
		while (next_member(&it, &key, &value))
		{
			JsonbValue found;

			if (getKeyJsonValueFromContainer(patch, key.val.string.val, key.val.string.len,
											 &found) != NULL)
				continue;
			pushJsonbValue(state, WJB_KEY, &key);
			pushJsonbValue(state, WJB_VALUE, &value);
		}
	}

	/* Members of the patch: null removes, an object merges, the rest replaces. */
	it = JsonbIteratorInit(patch);
	while (next_member(&it, &key, &value))
	{
		JsonbContainer *below = NULL;

		if (value.type == jbvNull)
			continue;
		pushJsonbValue(state, WJB_KEY, &key);
		if (!is_object(&value))
		{
			pushJsonbValue(state, WJB_VALUE, &value);
			continue;
		}
		if (target != NULL)
		{
			JsonbValue found;

			if (getKeyJsonValueFromContainer(target, key.val.string.val, key.val.string.len,
											 &found) != NULL &&
				is_object(&found))
				below = found.val.binary.data;
		}
		push_merged(state, below, value.val.binary.data);
	}

	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/*
 * Apply a merge patch.  Both arguments must be objects; the caller has refused
 * anything else, because a patch that is not an object would replace the whole
 * target.  The result is palloc'd in the current memory context.
 */
Jsonb *
merge_patch(Jsonb *target, Jsonb *patch)
{
	JsonbParseState *state = NULL;

	Assert(JB_ROOT_IS_OBJECT(target) && JB_ROOT_IS_OBJECT(patch));
	return JsonbValueToJsonb(push_merged(&state, &target->root, &patch->root));
}
